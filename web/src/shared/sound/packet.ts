/**
 * Exact body sound in packets, as the kit sends them (layout: edge/carebag_edge/live/exact_sound.py; golden bytes shared
 * with its test). Pure: used in the page, in the worker and in the audio thread.
 */

export const MAX_PACKET_BYTES = 1200
const MAX_CHUNK_SAMPLES = 320
const MAX_STREAM = 2 ** 53
const HEADER_BYTES = 19
const ENTRY_BYTES = 7
const WHOLE = 0
const MISSING = 1
const GAPPED = 2

/** Samples `number * chunkSamples` and on. */
export interface Chunk {
  number: number
  length: number
  /** PCM16, zero where missing; null when none of them ever arrived at the kit. */
  samples: Int16Array | null
  /** Bit map, least significant bit first, 1 = never arrived at the kit; null when all did. */
  missing: Uint8Array | null
}

export interface SoundPacket {
  stream: number
  rateHz: number
  chunkSamples: number
  chunks: Chunk[]
}

export interface Refused {
  refused: string
}

/** True when the bytes claim to be one of our packets: what tells them from the codec whose payload type they use. */
export function isSoundPacket(data: ArrayBuffer): boolean {
  return data.byteLength >= 4 && new DataView(data).getUint32(0) === 0x43425331
}

/** Reads one packet; any other bytes are refused with a reason, nothing is ever thrown. */
export function parsePacket(data: ArrayBuffer): SoundPacket | Refused {
  if (data.byteLength < HEADER_BYTES) return { refused: 'too_short' }
  if (data.byteLength > MAX_PACKET_BYTES) return { refused: 'too_long' }
  if (!isSoundPacket(data)) return { refused: 'wrong_magic' }
  const view = new DataView(data)
  const stream = view.getUint32(4) * 2 ** 32 + view.getUint32(8)
  // a double cannot tell 2^53 + 1 from 2^53
  const beyond = view.getUint32(4) === 2 ** 21 && view.getUint32(8) > 0
  if (stream > MAX_STREAM || beyond) return { refused: 'stream_out_of_range' }
  const rateHz = view.getUint32(12)
  if (rateHz < 1000 || rateHz > 96_000) return { refused: 'rate_out_of_range' }
  const chunkSamples = view.getUint16(16)
  if (chunkSamples < 1 || chunkSamples > MAX_CHUNK_SAMPLES) return { refused: 'chunk_samples_out_of_range' }
  return parseChunks(view, { stream, rateHz, chunkSamples, chunks: [] })
}

function parseChunks(view: DataView, packet: SoundPacket): SoundPacket | Refused {
  let position = HEADER_BYTES
  for (let left = view.getUint8(18); left > 0; left -= 1) {
    const chunk = parseChunk(view, position, packet.chunkSamples)
    if ('refused' in chunk) return chunk
    packet.chunks.push(chunk)
    position += ENTRY_BYTES + (chunk.missing?.length ?? 0) + 2 * (chunk.samples?.length ?? 0)
  }
  return position === view.byteLength ? packet : { refused: 'left_over' }
}

function parseChunk(view: DataView, at: number, chunkSamples: number): Chunk | Refused {
  if (view.byteLength < at + ENTRY_BYTES) return { refused: 'truncated' }
  const number = view.getUint32(at)
  const length = view.getUint16(at + 4)
  const kind = view.getUint8(at + 6)
  if (length < 1 || length > chunkSamples) return { refused: 'samples_out_of_range' }
  if (kind === MISSING) return { number, length, samples: null, missing: null }
  if (kind !== WHOLE && kind !== GAPPED) return { refused: 'unknown_kind' }
  const mapBytes = kind === GAPPED ? (length + 7) >> 3 : 0
  const pcm = at + ENTRY_BYTES + mapBytes
  if (view.byteLength < pcm + 2 * length) return { refused: 'truncated' }
  const samples = new Int16Array(length)
  for (let index = 0; index < length; index += 1) samples[index] = view.getInt16(pcm + 2 * index, true)
  if (kind === WHOLE) return { number, length, samples, missing: null }
  const missing = new Uint8Array(view.buffer.slice(view.byteOffset + at + ENTRY_BYTES, view.byteOffset + pcm))
  const fault = mapFault(missing, samples)
  return fault === null ? { number, length, samples, missing } : { refused: fault }
}

/** True when sample `index` of the chunk never arrived at the kit. */
export function isGap(chunk: Chunk, index: number): boolean {
  if (chunk.samples === null) return true
  return chunk.missing !== null && ((chunk.missing[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
}

function mapFault(missing: Uint8Array, samples: Int16Array): string | null {
  let gone = 0
  let loud = false
  for (let index = 0; index < missing.length * 8; index += 1) {
    if (((missing[index >> 3] ?? 0) & (1 << (index & 7))) === 0) continue
    if (index >= samples.length) return 'bad_gap_map'
    gone += 1
    if (samples[index] !== 0) loud = true
  }
  if (gone === 0 || gone === samples.length) return 'bad_gap_map'
  return loud ? 'gap_not_zero' : null
}
