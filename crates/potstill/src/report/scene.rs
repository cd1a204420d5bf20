//! Renderings of environments as SVG.

use super::drawing::Role;
use super::escape;
use super::style::{DARK, LIGHT, Theme};
use potstill_env::{Paint, Scene, Shape};

/// Length of the longer side, in pixels.
const SIDE: f64 = 480.0;

pub(super) const PAINTS: [(Paint, &str); 7] = [
    (Paint::Ground, "on-ground"),
    (Paint::Faint, "on-faint"),
    (Paint::Ink, "on-ink"),
    (Paint::Agent, "on-agent"),
    (Paint::Goal, "on-goal"),
    (Paint::Danger, "on-danger"),
    (Paint::Aid, "on-aid"),
];

pub(super) fn colour(theme: &Theme, paint: Paint) -> u32 {
    match paint {
        Paint::Ground => theme.panel,
        Paint::Faint => theme.rule,
        Paint::Ink => theme.ink,
        Paint::Agent => theme.colour(Role::Bar(0)),
        Paint::Danger => theme.colour(Role::Bar(1)),
        Paint::Goal => theme.colour(Role::Bar(2)),
        Paint::Aid => theme.colour(Role::Bar(4)),
    }
}

fn rules(theme: &Theme) -> String {
    let rule = |(paint, class): (Paint, &str)| {
        let colour = colour(theme, paint);
        format!(
            ".{class} {{ fill: #{colour:06x}; }}\n.{class}.line {{ fill: none; stroke: #{colour:06x}; }}\n"
        )
    };
    PAINTS.map(rule).concat() + &format!(".paper {{ fill: #{:06x}; }}\n", theme.ground)
}

/// A rendering as a standalone SVG document, light or dark by the reader's preference.
///
/// ```
/// use potstill::env::{Env, registry::find};
/// use potstill::report::scene_svg;
///
/// let mut env = find("CartPole-v1")?.make_features().unwrap();
/// env.reset(Some(1), &mut [0.0; 4]);
/// assert!(scene_svg("a pole", &env.scene().unwrap()).starts_with("<svg"));
/// # Ok::<(), potstill::env::EnvError>(())
/// ```
pub fn scene_svg(title: &str, scene: &Scene) -> String {
    let scale = SIDE / scene.width.max(scene.height).max(f64::MIN_POSITIVE);
    let (width, height, title) = (scene.width * scale, scene.height * scale, escape(title));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {} {}\" \
         role=\"img\" aria-label=\"{title}\"><title>{title}</title><style>\n\
         text {{ font-family: system-ui, sans-serif; text-anchor: middle; dominant-baseline: central; }}\n\
         .line {{ stroke-linecap: round; stroke-linejoin: round; }}\n\
         {}@media (prefers-color-scheme: dark) {{\n{}}}\n</style>\
         <rect class=\"paper\" width=\"{}\" height=\"{}\"/>",
        scene.width,
        scene.height,
        rules(&LIGHT),
        rules(&DARK),
        scene.width,
        scene.height,
    );
    for (paint, shape) in &scene.shapes {
        let class = PAINTS.iter().find(|(known, _)| known == paint).map_or("", |(_, class)| class);
        svg += &match shape {
            Shape::Rectangle { at: (x, y), size: (width, height) } => {
                format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>")
            }
            Shape::Circle { centre: (x, y), radius } => {
                format!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>")
            }
            Shape::Line { points, width } => {
                let points: Vec<String> = points.iter().map(|(x, y)| format!("{x},{y}")).collect();
                let points = points.join(" ");
                format!("<polyline class=\"{class} line\" stroke-width=\"{width}\" points=\"{points}\"/>")
            }
            Shape::Text { at: (x, y), text, size } => {
                format!(
                    "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\">{}</text>",
                    escape(text)
                )
            }
        };
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::check_well_formed;

    #[test]
    fn every_environment_can_be_drawn() {
        for spec in potstill_env::registry::all() {
            let Some(scene) = crate::commands::first_scene(&spec) else {
                assert_eq!(spec.name(), "Bandit", "all others have a picture");
                continue;
            };
            let svg = scene_svg(&spec.id, &scene);
            check_well_formed(&svg);
            assert!(svg.contains("on-agent") && svg.contains("prefers-color-scheme: dark"), "{}", spec.id);
        }
    }
}
