/** A QR code as it comes from the hub (rows of `0` and `1`), drawn as one path. Pure. */

/** Light modules that a reader needs on each side (ISO/IEC 18004, section 6.3.8). */
export const QUIET = 4

/** Modules on each side, the quiet zone included. */
export function qrSize(rows: readonly string[]): number {
  return rows.length + 2 * QUIET
}

/** `d` of an SVG path with the dark modules, each run of a row in one piece. */
export function qrPath(rows: readonly string[]): string {
  return rows.flatMap((row, y) => [...row.matchAll(/1+/g)].map((run) => `M${run.index + QUIET} ${y + QUIET}h${run[0].length}v1h-${run[0].length}z`)).join('')
}
