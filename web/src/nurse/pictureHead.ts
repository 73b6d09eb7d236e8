/** How large a picture says that it is, read from its first bytes before anything decodes it. Pure. */

/** More than any camera's: a picture of 400 megabytes when it is decoded. */
export const MOST_PIXELS = 100_000_000
export const LONGEST_SIDE = 20_000
export const MOST_BYTES = 60 * 1024 * 1024
/** Of a file: cameras put the size behind some hundred kilobytes of thumbnails at most. */
export const HEAD_BYTES = 1024 * 1024

export type Size = { width: number; height: number }
export type Refusal = 'not_an_image' | 'too_large'

/** Width and height of a JPEG, PNG or WebP; undefined for anything else, and for one whose head says none. */
export function sizeOf(head: Uint8Array): Size | undefined {
  if (starts(head, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return png(head)
  if (starts(head, [0xff, 0xd8, 0xff])) return jpeg(head)
  if (starts(head, [0x52, 0x49, 0x46, 0x46]) && text(head, 8) === 'WEBP') return webp(head)
  return undefined
}

/** Why a file is not opened at all; undefined: it may be tried. */
export function refusedBefore(head: Uint8Array, bytes: number): Refusal | undefined {
  const size = sizeOf(head)
  if (size === undefined) return 'not_an_image'
  if (bytes > MOST_BYTES || size.width > LONGEST_SIDE || size.height > LONGEST_SIDE || size.width * size.height > MOST_PIXELS) return 'too_large'
  return size.width === 0 || size.height === 0 ? 'not_an_image' : undefined
}

function png(head: Uint8Array): Size | undefined {
  if (head.length < 24 || text(head, 12) !== 'IHDR') return undefined
  return { width: big(head, 16, 4), height: big(head, 20, 4) }
}

/** The first frame header (ITU-T T.81 B.2.2); segments before it are skipped. */
function jpeg(head: Uint8Array): Size | undefined {
  let at = 2
  while (at + 4 <= head.length && head[at] === 0xff) {
    const marker = head[at + 1] ?? 0
    if (marker === 0xff) {
      at += 1
      continue
    }
    const length = big(head, at + 2, 2)
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda) || length < 2) return undefined
    if (marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return length >= 8 && at + 9 <= head.length ? { width: big(head, at + 7, 2), height: big(head, at + 5, 2) } : undefined
    }
    at += 2 + length
  }
  return undefined
}

/** RFC 9649, section 2: lossy, lossless or extended. */
function webp(head: Uint8Array): Size | undefined {
  if (head.length < 30) return undefined
  const kind = text(head, 12)
  if (kind === 'VP8X') return { width: 1 + little(head, 24, 3), height: 1 + little(head, 27, 3) }
  if (kind === 'VP8L' && head[20] === 0x2f) {
    const bits = little(head, 21, 4)
    return { width: 1 + (bits & 0x3fff), height: 1 + ((bits >>> 14) & 0x3fff) }
  }
  if (kind === 'VP8 ' && starts(head.subarray(23), [0x9d, 0x01, 0x2a])) return { width: little(head, 26, 2) & 0x3fff, height: little(head, 28, 2) & 0x3fff }
  return undefined
}

function starts(bytes: Uint8Array, what: number[]): boolean {
  return what.every((one, at) => bytes[at] === one)
}

function text(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4))
}

function big(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let place = 0; place < count; place++) value = value * 256 + (bytes[at + place] ?? 0)
  return value
}

function little(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let place = count - 1; place >= 0; place--) value = value * 256 + (bytes[at + place] ?? 0)
  return value >>> 0
}
