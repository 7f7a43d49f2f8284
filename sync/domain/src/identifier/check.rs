//! The arithmetic of check characters. Each function looks only at its input and is total.

/// ISO 7064 MOD 11-2 over 17 digits, as GB 11643 uses it; `None` when the input is not 17 digits.
#[must_use]
pub fn mod_11_2(body: &str) -> Option<char> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const MAP: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
    if body.len() != 17 {
        return None;
    }
    let mut sum = 0;
    for (c, weight) in body.chars().zip(WEIGHTS) {
        sum += c.to_digit(10)? * weight;
    }
    Some(MAP[(sum % 11) as usize])
}

/// The 31 characters of GB 32100: no I, O, S, V, Z.
pub const USCC_ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Check character of GB 32100 (MOD 31-3) over 17 characters; `None` for a wrong length or alphabet.
#[must_use]
pub fn mod_31_3(body: &str) -> Option<char> {
    if body.len() != 17 {
        return None;
    }
    let mut sum = 0;
    let mut weight = 1;
    for c in body.chars() {
        sum += USCC_ALPHABET.find(c)? * weight;
        weight = weight * 3 % 31;
    }
    USCC_ALPHABET.chars().nth((31 - sum % 31) % 31)
}

/// Check character of GB 11714 over the eight characters of an organisation code; `None` for a wrong input.
#[must_use]
pub fn organisation_code(body: &str) -> Option<char> {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    if body.len() != 8 {
        return None;
    }
    let mut sum = 0;
    for (c, weight) in body.chars().zip(WEIGHTS) {
        sum += alphanumeric(c)? * weight;
    }
    match 11 - sum % 11 {
        10 => Some('X'),
        11 => Some('0'),
        digit => char::from_digit(digit, 10),
    }
}

/// ISO 7064 MOD 37,36 over `[0-9A-Z]`, as GB/T 36904 uses it for licence identifiers; `None` for another character.
#[must_use]
pub fn mod_37_36(body: &str) -> Option<char> {
    let mut p = 36;
    for c in body.chars() {
        p = (p + alphanumeric(c)?) % 36;
        if p == 0 {
            p = 36;
        }
        p = p * 2 % 37;
    }
    character((37 - p) % 36)
}

/// The 7-3-1 check digit of travel documents over `[0-9A-Z]`, letters counting from A = 10; `None` for another character.
#[must_use]
pub fn weights_731(body: &str) -> Option<char> {
    let mut sum = 0;
    for (c, weight) in body.chars().zip([7, 3, 1].into_iter().cycle()) {
        sum += alphanumeric(c)? * weight;
    }
    char::from_digit(sum % 10, 10)
}

/// `0`–`9` count 0–9, `A`–`Z` count 10–35.
fn alphanumeric(c: char) -> Option<u32> {
    match c {
        '0'..='9' | 'A'..='Z' => c.to_digit(36),
        _ => None,
    }
}

fn character(value: u32) -> Option<char> {
    char::from_digit(value, 36).map(|c| c.to_ascii_uppercase())
}
