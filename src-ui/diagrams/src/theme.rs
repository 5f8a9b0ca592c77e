//! The window's design tokens as a theme: a drawing follows the window from light to dark by itself.

use std::borrow::Cow;

use mermaid_svg::Theme;

const fn is(token: &'static str) -> Cow<'static, str> {
    Cow::Borrowed(token)
}

/// Fills that words stay legible on.
static TINTS: [Cow<'static, str>; 8] = [
    is("color-mix(in oklab, var(--blue) 34%, var(--bg-raised))"),
    is("color-mix(in oklab, var(--green) 34%, var(--bg-raised))"),
    is("color-mix(in oklab, var(--violet) 34%, var(--bg-raised))"),
    is("color-mix(in oklab, var(--orange) 34%, var(--bg-raised))"),
    is("color-mix(in oklab, var(--cyan) 34%, var(--bg-raised))"),
    is("color-mix(in oklab, var(--yellow) 34%, var(--bg-raised))"),
    is("color-mix(in oklab, var(--red) 34%, var(--bg-raised))"),
    is("color-mix(in oklab, var(--grey) 34%, var(--bg-raised))"),
];

/// Lines and marks.
static HUES: [Cow<'static, str>; 8] = [
    is("var(--blue)"),
    is("var(--green)"),
    is("var(--violet)"),
    is("var(--orange)"),
    is("var(--cyan)"),
    is("var(--yellow)"),
    is("var(--red)"),
    is("var(--grey)"),
];

pub fn theme() -> Theme {
    Theme {
        fg: is("var(--text)"),
        fg_muted: is("var(--text-muted)"),
        bg: is("var(--bg)"),
        actor_fill: is("var(--bg-raised)"),
        actor_stroke: is("var(--text-faint)"),
        lifeline: is("var(--line-strong)"),
        arrow_stroke: is("var(--text-soft)"),
        note_fill: is("color-mix(in oklab, var(--yellow) 18%, var(--bg-raised))"),
        note_stroke: is("color-mix(in oklab, var(--yellow) 60%, var(--bg-raised))"),
        activation_fill: is("var(--bg-active)"),
        activation_stroke: is("var(--text-faint)"),
        frame_label_fill: is("var(--bg-active)"),
        flow_node_fill: is("var(--bg-raised)"),
        flow_node_stroke: is("var(--text-faint)"),
        flow_edge_stroke: is("var(--text-soft)"),
        flow_label_bg: is("var(--bg)"),
        flow_cluster_fill: is("var(--bg-sunken)"),
        flow_cluster_stroke: is("var(--line-strong)"),
        cscale_palette: Cow::Borrowed(&TINTS),
        pie_palette: Cow::Borrowed(&TINTS),
        git_palette: Cow::Borrowed(&HUES),
        xychart_palette: Cow::Borrowed(&HUES),
        pie_stroke: Some(is("var(--line-strong)")),
        quadrant_default_fills: [
            is("color-mix(in oklab, var(--green) 16%, var(--bg-raised))"),
            is("color-mix(in oklab, var(--blue) 16%, var(--bg-raised))"),
            is("color-mix(in oklab, var(--grey) 16%, var(--bg-raised))"),
            is("color-mix(in oklab, var(--yellow) 16%, var(--bg-raised))"),
        ],
        font_family: is("inherit"),
        font_size: 13.0,
        ..Theme::default_theme()
    }
}
