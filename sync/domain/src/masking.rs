//! How names and numbers are shown to people who need not see them whole.

/// Family names of two characters, so that the whole family name stays readable.
const DOUBLE_NAMES: [&str; 20] = [
    "欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "令狐", "慕容", "司徒", "夏侯", "端木",
    "独孤", "南宫", "长孙", "宇文", "轩辕", "西门", "呼延",
];

/// 姓名脱敏: keeps the family name, stars the rest: `王*`, `欧阳**`; of a `·` name the first character;
/// of each word in Latin letters the first letter.
#[must_use]
pub fn mask_name(name: &str) -> String {
    let name = name.trim();
    if name.chars().any(|c| c.is_ascii_alphabetic()) {
        return name.split(' ').map(|word| stars_after(word, 1)).collect::<Vec<_>>().join(" ");
    }
    let double = name.chars().count() > 2 && DOUBLE_NAMES.iter().any(|double| name.starts_with(double));
    if name.chars().count() == 1 {
        return "*".to_owned();
    }
    stars_after(name, if double { 2 } else { 1 })
}

/// 号码脱敏: keeps three characters in front and four behind, `519***********0011`; of a short number the last two.
#[must_use]
pub fn mask_number(number: &str) -> String {
    let length = number.chars().count();
    let (front, behind) = match length {
        0..=3 => (0, 0),
        4..=7 => (0, 2),
        8..=10 => (1, 3),
        _ => (3, 4),
    };
    let keep = |at: usize| at < front || at >= length - behind;
    number.chars().enumerate().map(|(at, c)| if keep(at) { c } else { '*' }).collect()
}

fn stars_after(word: &str, kept: usize) -> String {
    word.chars().enumerate().map(|(at, c)| if at < kept || c == '·' { c } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn family_names_stay_and_the_rest_is_starred() {
        for (name, shown) in [
            ("王芳", "王*"),
            ("欧阳娜娜", "欧阳**"),
            ("欧阳", "欧*"),
            ("㛃", "*"),
            ("阿卜杜·热合曼", "阿**·***"),
            ("MARY ANN LEE", "M*** A** L**"),
            ("", ""),
        ] {
            assert_eq!(mask_name(name), shown);
        }
    }

    #[test]
    fn numbers_keep_their_ends() {
        assert_eq!(mask_number("519900199003070011"), "519***********0011");
        assert_eq!(mask_number("18000000001"), "180****0001");
        assert_eq!(mask_number("H60012345"), "H*****345");
        assert_eq!(mask_number("123"), "***");
    }

    proptest! {
        #[test]
        fn a_masked_number_never_shows_more_than_seven_characters(text in "\\PC{0,40}") {
            let shown = mask_number(&text);
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            prop_assert!(shown.chars().zip(text.chars()).filter(|(s, _)| *s != '*').count() <= 7);
        }

        #[test]
        fn a_masked_name_of_two_or_more_always_hides_something(name in "[\u{4e00}-\u{9fa5}]{1,10}") {
            prop_assert!(mask_name(&name).contains('*'));
        }
    }
}
