//! What the verifier says, found by the text of a message or by its name in links.

use kernel_model::{Message, message, message_by_anchor};

/// The message that a text is: its name in links, or one of its lines, as the kernel prints it.
pub fn find(text: &str) -> Option<&'static Message> {
    message_by_anchor(text.trim()).or_else(|| text.lines().find_map(|line| message(line.trim())))
}

/// The message that a text of several lines begins with, which were joined by `; `.
pub fn find_joined(text: &str) -> Option<&'static Message> {
    let ends = text.match_indices("; ").map(|(at, _)| at).chain([text.len()]);
    ends.into_iter().find_map(|end| message(&text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found() {
        let anchor = |text| find(text).map(|message| message.anchor);
        assert_eq!(anchor("R7 !read_ok"), Some("r-read-ok"));
        assert_eq!(anchor("r-read-ok"), Some("r-read-ok"));
        assert_eq!(anchor("3: (bf) r0 = r7\n  R7 !read_ok\nprocessed 1 insns"), Some("r-read-ok"));
        assert_eq!(anchor("all is well"), None);
        let joined =
            "invalid access to map value, value_size=4 off=4 size=4; R0 min value is outside";
        assert_eq!(
            find_joined(joined).map(|message| message.anchor),
            Some("invalid-access-to-map-value-value-size-off-size")
        );
        let one = "R1 stack pointer arithmetic goes out of range, prohibited for !root; off=-520";
        assert!(find_joined(one).is_some());
    }
}
