//! The documentation of every environment, from which `env show` speaks, is whole and true.

use potstill_env::registry::{GENERAL_OPTIONS, Part, all, find, sections};

const HEADINGS: [&str; 7] =
    ["Action space", "Observation space", "Rewards", "Starting state", "Episode end", "Options", "Source"];

#[test]
fn every_section_is_there() {
    for spec in all() {
        let sections = sections(spec.documentation);
        let headings: Vec<&str> = sections.iter().map(|section| section.heading.as_str()).collect();
        assert_eq!((headings[0], &headings[1..]), ("", &HEADINGS[..]), "{}", spec.id);
        let texts = sections.iter().flat_map(|section| &section.parts).flat_map(|part| match part {
            Part::Text(text) => vec![text],
            Part::Table(rows) => rows.iter().flatten().collect(),
            Part::Lines(_) => Vec::new(),
        });
        for text in texts {
            assert!(!text.contains(['`']) && !text.contains("]("), "{}: {text}", spec.id);
        }
        let Part::Text(about) = &sections[0].parts[0] else { panic!("{}: no introduction", spec.id) };
        assert!(
            about.starts_with(spec.name()) || about.contains(&format!("and {}: ", spec.name())),
            "{about}"
        );
    }
}

/// An option with its default is the environment without it; the example is another value that it takes.
#[test]
fn defaults_and_examples_are_what_the_options_take() {
    for spec in all() {
        for option in spec.options {
            let with = |value: &str| find(&format!("{}:{}={value}", spec.id, option.name));
            assert!(!option.meaning.is_empty() && !option.example.is_empty(), "{}: {option:?}", spec.id);
            with(&option.example).unwrap();
            // Some are said in words.
            let is_value =
                !option.default.is_empty() && !option.default.contains(' ') && option.default != "1/3";
            if is_value {
                let default = with(&option.default).unwrap();
                let model =
                    |spec: &potstill_env::registry::Spec| spec.make_states().and_then(|env| env.model());
                assert_eq!(default.observation_space(), spec.observation_space());
                assert!(model(&default) == model(&spec), "{}: {option:?}", spec.id);
                assert_ne!(option.default, option.example, "{}: {option:?}", spec.id);
            }
        }
    }
    let check = |id: &str, expected: bool| assert_eq!(find(id).is_ok(), expected, "{id}");
    for option in GENERAL_OPTIONS {
        // Each is of one kind of observations or of all.
        let ids =
            ["CartPole-v1", "CliffWalking-v1"].map(|id| format!("{id}:{}={}", option.name, option.example));
        assert!(ids.iter().any(|id| find(id).is_ok()), "{option:?}");
        check(&format!("CartPole-v1:{}=a", option.name), false);
    }
}
