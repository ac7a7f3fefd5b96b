//! How deep JSON may nest.

/// The deepest nesting that is accepted.
pub const MAX_DEPTH: usize = 256;

/// Whether JSON nests no deeper than [`MAX_DEPTH`].
///
/// To be asked before parsing: parsers recurse, and a stack that ends takes the process with it.
pub fn within_depth(json: &[u8]) -> bool {
    // Nearly every text has fewer brackets than levels allowed; counting them is much cheaper than following them.
    if json.iter().filter(|&&byte| byte == b'[' || byte == b'{').count() <= MAX_DEPTH {
        return true;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for &byte in json {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_exact() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(within_depth(nested(MAX_DEPTH).as_bytes()));
        assert!(!within_depth(nested(MAX_DEPTH + 1).as_bytes()));
    }

    #[test]
    fn brackets_side_by_side_or_in_text_do_not_count() {
        assert!(within_depth(format!("[{}]", "[],".repeat(1000)).as_bytes()));
        assert!(within_depth(format!(r#"["\"{}"]"#, "[".repeat(1000)).as_bytes()));
    }
}
