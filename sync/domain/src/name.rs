//! Comparing names that were typed on different keyboards and stored by different registers.

/// 姓名比对: whether two names of a person are the same up to the variants of the middle dot, spaces and case.
///
/// Characters themselves are never folded: 㛃 and 洁 are different people.
#[must_use]
pub fn same_person(a: &str, b: &str) -> bool {
    let (a, b) = (fold_person(a), fold_person(b));
    !a.is_empty() && a == b
}

/// The ways in which registers and keyboards write the dot of a name like 阿卜杜·热合曼.
const DOTS: [char; 9] = ['·', '•', '‧', '・', '･', '．', '∙', '⋅', '●'];

fn fold_person(name: &str) -> String {
    let latin = name.chars().any(|c| c.is_ascii_alphabetic());
    let dotted = name.trim().chars().map(|c| if DOTS.contains(&c) { '·' } else { narrow(c) });
    let kept: String = dotted.filter(|c| latin || !c.is_whitespace()).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase()
}

/// A full-width character of a Chinese keyboard in its narrow form.
fn narrow(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_of_different_registers_are_one_dot() {
        for other in ["阿卜杜•热合曼", "阿卜杜・热合曼", "阿卜杜．热合曼", " 阿卜杜·热合曼\u{3000}"]
        {
            assert!(same_person("阿卜杜·热合曼", other), "{other}");
        }
        assert!(!same_person("阿卜杜·热合曼", "阿卜杜热合曼"));
        assert!(!same_person("", " "));
    }

    #[test]
    fn rare_characters_are_not_folded() {
        assert!(!same_person("王㛃", "王洁"));
        assert!(same_person("𬱖", "𬱖"));
    }

    #[test]
    fn latin_names_differ_by_words_not_by_case() {
        assert!(same_person("Mary  Ann Lee", "MARY ANN LEE"));
        assert!(!same_person("MARYANN LEE", "MARY ANN LEE"));
    }
}
