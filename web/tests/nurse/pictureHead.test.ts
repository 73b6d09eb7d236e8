import { describe, expect, it } from 'vitest'
import { refusedBefore, sizeOf } from '../../src/nurse/pictureHead'

const bytes = (...parts: (number[] | string)[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((one) => one.charCodeAt(0)) : part)))
const be = (value: number, count: number): number[] => Array.from({ length: count }, (_, at) => Math.floor(value / 256 ** (count - 1 - at)) % 256)
const png = (width: number, height: number): Uint8Array => bytes([0x89], 'PNG\r\n\x1a\n', be(13, 4), 'IHDR', be(width, 4), be(height, 4), [8, 2, 0, 0, 0])
const app = (size: number): number[] => [0xff, 0xe1, ...be(size, 2), ...new Array<number>(size - 2).fill(0x41)]
const jpeg = (width: number, height: number, before: number[] = []): Uint8Array => bytes([0xff, 0xd8], before, [0xff, 0xff, 0xc0, 0, 11, 8], be(height, 2), be(width, 2), [1, 1, 17, 0])

describe('the size that a picture says it has', () => {
  it('of the three kinds that cameras make', () => {
    expect(sizeOf(png(64, 48))).toEqual({ width: 64, height: 48 })
    expect(sizeOf(jpeg(4000, 3000))).toEqual({ width: 4000, height: 3000 })
    expect(sizeOf(jpeg(4000, 3000, [...app(60_000), ...app(60_000)]))).toEqual({ width: 4000, height: 3000 })
    expect(sizeOf(bytes('RIFF', be(0, 4), 'WEBPVP8X', be(0, 4), [0, 0, 0, 0], [0x3f, 0, 0], [0x2f, 0, 0]))).toEqual({ width: 64, height: 48 })
    expect(sizeOf(bytes('RIFF', be(0, 4), 'WEBPVP8L', be(0, 4), [0x2f, 0x3f, 0xc0, 0x0b, 0], be(0, 5)))).toEqual({ width: 64, height: 48 })
    expect(sizeOf(bytes('RIFF', be(0, 4), 'WEBPVP8 ', be(0, 4), [0, 0, 0, 0x9d, 1, 0x2a, 64, 0, 48, 0]))).toEqual({ width: 64, height: 48 })
  })

  it('of nothing else, and of no damaged head', () => {
    for (const other of ['', 'GIF89a', '<svg/>', '<html>', 'PK\x03\x04', '%!PS', 'II*\0', 'RIFF0000WEBP', '\xff\xd8\xff']) expect(sizeOf(bytes(other))).toBeUndefined()
    expect(sizeOf(png(64, 48).subarray(0, 20))).toBeUndefined()
    expect(sizeOf(jpeg(64, 48).subarray(0, 9))).toBeUndefined()
    expect(sizeOf(bytes([0xff, 0xd8, 0xff, 0xda, 0, 2]))).toBeUndefined()
    expect(sizeOf(bytes([0xff, 0xd8, 0xff, 0xe1, 0, 0, 0xff, 0xc0]))).toBeUndefined()
  })

  it('any bytes end', () => {
    let seed = 7
    for (let n = 0; n < 2000; n++) {
      const some = Uint8Array.from({ length: n % 90 }, () => (seed = (seed * 1103515245 + 12345) % 2147483648) >> 8)
      for (const head of [[0xff, 0xd8, 0xff], [0x52, 0x49, 0x46, 0x46]]) expect(() => sizeOf(bytes(head, [...some]))).not.toThrow()
    }
  })
})

describe('what is not opened at all', () => {
  it('says why', () => {
    expect(refusedBefore(jpeg(4000, 3000), 5_000_000)).toBeUndefined()
    expect(refusedBefore(png(60_000, 60_000), 4000)).toBe('too_large')
    expect(refusedBefore(png(20_000, 6_000), 4000)).toBe('too_large')
    expect(refusedBefore(png(20_001, 1), 4000)).toBe('too_large')
    expect(refusedBefore(png(10_000, 10_000), 4000)).toBeUndefined()
    expect(refusedBefore(png(64, 48), 61 * 1024 * 1024)).toBe('too_large')
    expect(refusedBefore(png(0, 48), 100)).toBe('not_an_image')
    expect(refusedBefore(bytes('GIF89a'), 100)).toBe('not_an_image')
  })
})
