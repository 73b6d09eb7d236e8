import { expect, test } from 'vitest'
import { QUIET, qrPath, qrSize } from '../../src/admin/qr'

/** The modules that a path fills, drawn by its own commands. */
function drawn(path: string, size: number): string[] {
  const field = Array.from({ length: size }, () => Array<string>(size).fill('0'))
  for (const [, x, y, run] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) for (let at = 0; at < Number(run); at += 1) field[Number(y)]![Number(x) + at] = '1'
  return field.slice(QUIET, -QUIET).map((row) => row.slice(QUIET, -QUIET).join(''))
}

test('each dark module is drawn once, within a quiet zone of four', () => {
  const rows = ['1110111', '1010001', '0000000', '0101010', '1111111', '0000001', '1000000']
  expect(qrSize(rows)).toBe(15)
  expect(drawn(qrPath(rows), qrSize(rows))).toEqual(rows)
  expect(qrPath(['111'])).toBe('M4 4h3v1h-3z')
})
