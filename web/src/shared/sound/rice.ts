/**
 * Lossless Rice coding of one chunk of sound: the reader of `carebag_devices.codecs.rice`, where the layout stands.
 * Work and memory are bounded by `count`, whatever the bytes say.
 */

const MAX_ORDER = 4
const MAX_PARAMETER = 14

/** `count` samples; null for bytes that no coder makes (cut, left over, not shorter than PCM16, beyond 16 bits). */
export function decodeRice(data: Uint8Array, count: number): Int16Array<ArrayBuffer> | null {
  if (data.length < 1 || data.length >= 2 * count) return null
  const head = data[0] as number
  const order = head & 7
  const parameter = head >> 4
  const start = 1 + 2 * order
  if (order > MAX_ORDER || (head & 8) !== 0 || parameter > MAX_PARAMETER || data.length <= start) return null
  const residuals = unpack(data.subarray(start), parameter, count - order)
  return residuals === null ? null : integrate(data, order, residuals, count)
}

/** Low bits of all residuals, then the quotients; every bit must have a meaning. */
function unpack(bits: Uint8Array, parameter: number, count: number): Float64Array | null {
  let low = 0
  let high = count * parameter
  const end = bits.length * 8
  const bit = (at: number): number => ((bits[at >> 3] as number) >> (7 - (at & 7))) & 1
  const found = new Float64Array(count)
  for (let index = 0; index < count; index += 1) {
    let quotient = 0
    while (high < end && bit(high) === 0) {
      quotient += 1
      high += 1
    }
    if (high >= end) return null
    high += 1
    let value = quotient
    for (let left = parameter; left > 0; left -= 1) value = value * 2 + bit(low++)
    found[index] = value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  if (end - high > 7) return null
  for (; high < end; high += 1) if (bit(high) === 1) return null
  return found
}

/** Undoes the differences: as many running sums as there are samples in front, begun with theirs. */
function integrate(data: Uint8Array, order: number, residuals: Float64Array, count: number): Int16Array<ArrayBuffer> | null {
  const samples = new Int16Array(count)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  for (let index = 0; index < order; index += 1) samples[index] = view.getInt16(1 + 2 * index, true)
  const sums = differences(samples.subarray(0, order))
  for (let index = order; index < count; index += 1) {
    let value = residuals[index - order] as number
    for (let level = order - 1; level >= 0; level -= 1) value = sums[level] = (sums[level] as number) + value
    if (value < -32768 || value > 32767) return null
    samples[index] = value
  }
  return samples
}

/** The last value of each order of difference: of the samples themselves first. */
function differences(first: Int16Array): number[] {
  const last: number[] = []
  let row = Array.from(first)
  while (row.length > 0) {
    last.push(row[row.length - 1] as number)
    row = row.slice(1).map((after, index) => after - (row[index] as number))
  }
  return last
}
