//! Kernel versions as text.

use kernel_model::{ParseVersionError, Version};

#[test]
fn versions_are_ordered_by_number() {
    assert!(Version::new(5, 10) > Version::new(5, 9));
    assert!(Version::new(6, 0) > Version::new(5, 19));
    assert_eq!(Version::default(), Version::NEWEST_MODELLED);
    assert_eq!(Version::NEWEST_MODELLED.to_string(), "6.18");
}

#[test]
fn the_modelled_versions_run_from_5_10_to_6_19() {
    let list = Version::MODELLED.map(|version| version.to_string());
    assert_eq!((list[0].as_str(), list[29].as_str()), ("5.10", "6.19"));
    assert_eq!((list[9].as_str(), list[10].as_str()), ("5.19", "6.0"));
    assert!(Version::MODELLED.is_sorted_by(|a, b| a < b));
    assert!(Version::NEWEST_MODELLED.is_modelled() && !Version::new(4, 20).is_modelled());
}

#[test]
fn texts_become_versions() {
    let cases = [
        ("6.18", 6, 18),
        ("5.4", 5, 4),
        (" 6.1\n", 6, 1),
        ("6.18.44", 6, 18),
        ("6.8.0-40-generic", 6, 8),
        ("6.19-rc3", 6, 19),
        ("6.6+", 6, 6),
    ];
    for (text, major, minor) in cases {
        assert_eq!(text.parse(), Ok(Version::new(major, minor)), "{text:?}");
    }
    for text in
        ["", "6", "6.", ".18", "6.x", "v6.18", "6.18rc1", "6.-1", "+6.1", "6.99999", "六.1", "6.é"]
    {
        let error = text.parse::<Version>().expect_err("it is not a version");
        assert!(matches!(&error, ParseVersionError::Malformed(_)), "{text:?}");
        assert!(error.to_string().contains("such as `6.18`"));
    }
    for version in Version::MODELLED {
        assert_eq!(version.to_string().parse(), Ok(version));
    }
}
