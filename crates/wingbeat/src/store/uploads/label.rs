//! Names of files as clients say them. They are labels: nothing on the disk is called like that.

/// How many bytes a name may have, as in most file systems.
const MOST: usize = 255;

/// The last segment of a name, without what has no place in one; absent if nothing is left.
pub(super) fn label(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut label: String = last.chars().filter(|character| !is_invisible(*character)).collect();
    label.truncate(label.floor_char_boundary(MOST));
    let label = label.trim();
    (!matches!(label, "" | "." | "..")).then(|| label.to_owned())
}

/// Control characters, and those that turn the direction of writing, which make `gpj.exe` look like `exe.jpg`.
fn is_invisible(character: char) -> bool {
    let turns = matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns || matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_labels_and_never_paths() {
        for (name, expected) in [
            ("a.png", Some("a.png")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\ann\\a.png", Some("a.png")),
            ("a\0.png\r\n", Some("a.png")),
            ("photo\u{202e}gpj.exe", Some("photogpj.exe")),
            ("Füße 猫.png", Some("Füße 猫.png")),
            ("..", None),
            ("a/..", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(label(name).as_deref(), expected, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_a_label_is_short_and_one_segment(name in ".{0,400}") {
            if let Some(label) = label(&name) {
                prop_assert!(label.len() <= MOST && !label.is_empty() && label != "..");
                prop_assert!(!label.contains(['/', '\\', '\0', '\n']));
            }
        }
    }
}
