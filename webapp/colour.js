// Colours of terminal output that can be read in either theme, whatever a program chose. Pure.

/** The least contrast of text, by WCAG 2.2. */
const CONTRAST = 4.5;
/** Lightness (OKLab) at which any hue has that contrast with the ground of the light and of the dark theme. */
const [DARKEST, LIGHTEST] = [0.47, 0.67];
const RGB = /^rgb\((\d+) (\d+) (\d+)\)$/;
/** What the ground itself is named: it has contrast with every named colour. */
const GROUND = "var(--sunken)";

/**
 * A legible colour of a text, or null for the usual one.
 * @param {string} text  a named colour `var(--…)`, `rgb(r g b)`, or empty for the usual one
 * @param {string} back  of its background, in the same way
 */
export function legible(text, back) {
  if (!back) return RGB.test(text) ? turned(text) : text || null;
  const ground = luminance(back);
  if (ground === null) return GROUND; // named colours have no contrast with each other
  const own = luminance(text);
  if (own !== null && contrast(own, ground) >= CONTRAST) return text;
  return contrast(0, ground) > contrast(1, ground) ? "#000" : "#fff";
}

/** The hue, as dark or as light as the theme needs. @param {string} colour */
const turned = (colour) =>
  `light-dark(oklch(from ${colour} min(l, ${DARKEST}) c h), oklch(from ${colour} max(l, ${LIGHTEST}) c h))`;

/** Relative luminance, 0 to 1; null for a named colour. @param {string} colour */
export function luminance(colour) {
  const parts = RGB.exec(colour);
  if (!parts) return null;
  const [red, green, blue] = parts.slice(1).map((part) => {
    const value = Number(part) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {number} a @param {number} b */
const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
