//! The book's Rust blocks, as documentation tests; its console blocks are run by `potstill-cli/tests/book.rs`.

/// Declares an item for each chapter, whose documentation is the chapter.
macro_rules! chapters {
    ($($name:ident $file:literal;)*) => {
        $(
            #[doc = include_str!(concat!("src/", $file))]
            #[cfg(doctest)]
            pub struct $name;
        )*
    };
}

chapters! {
    Introduction "introduction.md";
    Temperature "temperature.md";
    Terms "terms.md";
    Cliff "cliff.md";
    SarsaAndQLearning "sarsa-and-q-learning.md";
    DeepQLearning "deep-q-learning.md";
    Offline "offline.md";
    TheTeacher "teacher.md";
    ShippingAStudent "student.md";
    Runs "runs.md";
    OwnEnvironments "own-environment.md";
}
