//! Colours, dashes and widths of charts, for style sheets and for pixels.

use super::drawing::Role;

/// Series after the last colour begin again with the first.
pub(super) const SERIES: usize = 6;
/// Lengths of dash and gap in turn; none for a solid line.
pub(super) const DASHES: [&[f32]; SERIES] =
    [&[], &[7.0, 3.0], &[2.0, 3.0], &[9.0, 3.0, 2.0, 3.0], &[12.0, 4.0], &[]];
pub(super) const LINE_WIDTH: f32 = 2.0;
pub(super) const BAND_OPACITY: f32 = 0.18;

/// Colours as `0xRRGGBB`.
pub(super) struct Theme {
    /// Background of a page.
    pub(super) paper: u32,
    /// Background of a standalone chart; white, so that no box shows on printed paper.
    pub(super) ground: u32,
    pub(super) ink: u32,
    pub(super) faint: u32,
    pub(super) rule: u32,
    pub(super) panel: u32,
    series: [u32; SERIES],
}

/// Okabe and Ito's colours, which are distinguishable with colour blindness, darker on light background and
/// lighter on dark.
pub(super) const LIGHT: Theme = Theme {
    paper: 0xfdfdfb,
    ground: 0xffffff,
    ink: 0x1d1f21,
    faint: 0x5f6368,
    rule: 0xdadce0,
    panel: 0xf4f4f0,
    series: [0x0072b2, 0xc2500a, 0x00795a, 0xa04a86, 0x7a6200, 0x3a3a3a],
};
pub(super) const DARK: Theme = Theme {
    paper: 0x17191c,
    ground: 0x17191c,
    ink: 0xe8e6e1,
    faint: 0xa2a6ab,
    rule: 0x3a3e44,
    panel: 0x202327,
    series: [0x56b4e9, 0xe69f00, 0x2fc49b, 0xd89ac2, 0xf0e442, 0xc8c8c8],
};

impl Theme {
    pub(super) fn colour(&self, role: Role) -> u32 {
        match role {
            Role::Title => self.ink,
            Role::Tick | Role::Axis => self.faint,
            Role::Grid => self.rule,
            Role::Line(i) | Role::Dot(i) | Role::Band(i) | Role::Bar(i) => self.series[i % SERIES],
        }
    }

    /// The rules of the colours of charts and renderings, with plain values, since many viewers of SVG files
    /// do not support variables.
    fn rules(&self) -> String {
        let rule = |selector: &str, property: &str, colour: u32| {
            format!(".{selector} {{ {property}: #{colour:06x}; }}\n")
        };
        let single = [Role::Title, Role::Tick, Role::Grid, Role::Axis];
        let series = (0..SERIES).flat_map(|i| [Role::Line(i), Role::Dot(i), Role::Band(i), Role::Bar(i)]);
        let roles: String = single
            .into_iter()
            .chain(series)
            .map(|role| {
                let property = if role.is_stroked() { "stroke" } else { "fill" };
                rule(&role.class().replace(' ', "."), property, self.colour(role))
            })
            .collect();
        roles
            + &rule("ground", "fill", self.ground)
            + &rule("paper", "fill", self.panel)
            + &rule("ink", "fill", self.ink)
    }
}

/// The style sheet of charts and renderings, light or dark by the reader's preference.
pub(super) fn chart_style() -> String {
    let dashes = DASHES.iter().enumerate().filter(|(_, dash)| !dash.is_empty()).map(|(i, dash)| {
        let lengths: Vec<String> = dash.iter().map(f32::to_string).collect();
        format!(".line.s{i} {{ stroke-dasharray: {}; }}\n", lengths.join(" "))
    });
    format!(
        "text {{ font-family: system-ui, sans-serif; }}\n\
         .title {{ font-weight: 600; font-size: 15px; }}\n.tick {{ font-size: 13px; }}\n\
         .line {{ fill: none; stroke-width: {LINE_WIDTH}; stroke-linejoin: round; }}\n\
         .band {{ opacity: {BAND_OPACITY}; }}\n{}{}@media (prefers-color-scheme: dark) {{\n{}}}\n",
        dashes.collect::<String>(),
        LIGHT.rules(),
        DARK.rules()
    )
}
