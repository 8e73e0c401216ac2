//! How long the same job is in each system: counted in the programs that the harness runs, as they stand in this repository.
//!
//! A job's length is that of the function that builds it, without blank lines and comments: what a user writes, not what carries the input in and the answer
//! out. Types and helpers outside of it are not counted, in anyone's favour.

/// A job in one system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// The workload.
    pub job: &'static str,
    /// The contender.
    pub contender: &'static str,
    /// Lines.
    pub lines: usize,
    /// The file, from the top of the repository.
    pub file: &'static str,
}

/// Lines of the function that begins where `signature` stands, in a language of braces; none if it does not stand there, or does not end.
fn lines_of(source: &str, signature: &str) -> Option<usize> {
    let start = source.find(signature)?;
    let start = source[..start].rfind('\n').map_or(0, |end| end + 1);
    let (mut depth, mut lines, mut in_comment) = (0i32, 0, false);
    for line in source[start..].lines() {
        let code = line.trim();
        let is_comment = in_comment || code.starts_with("//") || code.starts_with("/*");
        if code.starts_with("/*") {
            in_comment = true;
        }
        if is_comment {
            in_comment &= !code.ends_with("*/");
            continue;
        }
        if code.is_empty() {
            continue;
        }
        lines += 1;
        let before = depth;
        depth += braces(code);
        if depth == 0 && (before > 0 || code.contains('{')) {
            return Some(lines);
        }
    }
    None
}

/// Braces opened less braces closed, outside of strings.
fn braces(code: &str) -> i32 {
    let (mut sum, mut in_string, mut escaped) = (0, false, false);
    for character in code.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            '{' if !in_string => sum += 1,
            '}' if !in_string => sum -= 1,
            _ => {}
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_lines_are_counted_without_comments() {
        let source = "use x;\n\n/// Doc.\nfn other() {}\n\nfn job(a: u64) -> u64 {\n    // Why.\n\n    if a > 1 {\n        call(\"}}{\");\n    }\n    /* long\n       comment */\n    a\n}\n\nfn after() {}\n";
        assert_eq!(lines_of(source, "fn job("), Some(6));
        assert_eq!(lines_of(source, "fn other("), Some(1));
        assert_eq!(lines_of(source, "fn absent("), None);
        assert_eq!(lines_of("fn cut() {\n    a\n", "fn cut("), None);
    }
}
