/**
 * Exact body sound in packets, as the kit sends them (layout: edge/carebag_edge/live/sound_packet.py; golden bytes shared
 * with its test). Pure: used in the page, in the worker and in the audio thread.
 */
import { decodeRice } from './rice'

export const MAX_PACKET_BYTES = 1200
const MAX_CHUNK_SAMPLES = 320
const MAX_STREAM = 2 ** 53
const MAGIC = 0x43425332
const OLDER_MAGIC = 0x43425331
const HEADER_BYTES = 32
const OLDER_HEADER_BYTES = 19
const RICE = 1
const GAPS = 2
const ALL_MISSING = 4
const SHORT = 8

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
  /** 0 when there are no chunks. */
  stream: number
  rateHz: number
  chunkSamples: number
  chunks: Chunk[]
  /** Highest chunk number in the packet. */
  number: number
  /** The kit's monotonic clock at the first sample of chunk `number`, µs; 0 when not known. */
  timeUs: number
  /** The vital signs of now (`readVitalsBlock`); null for none. */
  state: Uint8Array | null
}

export interface Refused {
  refused: string
}

/** True when the bytes claim to be one of our packets: what tells them from the codec whose payload type they use. */
export function isSoundPacket(data: ArrayBuffer): boolean {
  if (data.byteLength < 4) return false
  const magic = new DataView(data).getUint32(0)
  return magic === MAGIC || magic === OLDER_MAGIC
}

/** Reads one packet; any other bytes are refused with a reason, nothing is ever thrown. */
export function parsePacket(data: ArrayBuffer): SoundPacket | Refused {
  if (data.byteLength < OLDER_HEADER_BYTES) return { refused: 'too_short' }
  if (data.byteLength > MAX_PACKET_BYTES) return { refused: 'too_long' }
  if (!isSoundPacket(data)) return { refused: 'wrong_magic' }
  const view = new DataView(data)
  const older = view.getUint32(0) === OLDER_MAGIC
  if (!older && data.byteLength < HEADER_BYTES) return { refused: 'too_short' }
  const [stream, rateHz, chunkSamples] = [number64(view, 4), view.getUint32(12), view.getUint16(16)]
  if (stream > MAX_STREAM) return { refused: 'stream_out_of_range' }
  if (rateHz < 1000 || rateHz > 96_000) return { refused: 'rate_out_of_range' }
  if (chunkSamples < 1 || chunkSamples > MAX_CHUNK_SAMPLES) return { refused: 'chunk_samples_out_of_range' }
  const packet: SoundPacket = { stream, rateHz, chunkSamples, chunks: [], number: 0, timeUs: 0, state: null }
  return older ? parseOlder(view, packet) : parseNewer(view, packet)
}

/** A double cannot tell 2^53 + 1 from 2^53: beyond it is Infinity. */
function number64(view: DataView, at: number): number {
  const high = view.getUint32(at)
  const low = view.getUint32(at + 4)
  return high > 2 ** 21 || (high === 2 ** 21 && low > 0) ? Infinity : high * 2 ** 32 + low
}

function parseNewer(view: DataView, packet: SoundPacket): SoundPacket | Refused {
  packet.timeUs = number64(view, 18)
  if (packet.timeUs > MAX_STREAM) return { refused: 'time_out_of_range' }
  packet.number = view.getUint32(26)
  const stateBytes = view.getUint8(30)
  const reader = new Reader(view, HEADER_BYTES)
  const state = reader.bytes(stateBytes)
  if (state === null) return { refused: 'truncated' }
  if (stateBytes > 0) packet.state = state
  for (let left = view.getUint8(31); left > 0; left -= 1) {
    const chunk = readChunk(reader, packet)
    if ('refused' in chunk) return chunk
    packet.chunks.push(chunk)
  }
  return reader.atEnd ? packet : { refused: 'left_over' }
}

function readChunk(reader: Reader, { number, chunkSamples }: SoundPacket): Chunk | Refused {
  const back = reader.uint16()
  const coding = reader.uint8()
  if (back === null || coding === null) return { refused: 'truncated' }
  if (back > number) return { refused: 'number_out_of_range' }
  if ((coding & ~(RICE | GAPS | ALL_MISSING | SHORT)) !== 0) return { refused: 'unknown_kind' }
  if ((coding & ALL_MISSING) !== 0 && (coding & (RICE | GAPS)) !== 0) return { refused: 'unknown_kind' }
  const length = (coding & SHORT) === 0 ? chunkSamples : reader.uint16()
  if (length === null) return { refused: 'truncated' }
  if ((coding & SHORT) !== 0 && (length < 1 || length >= chunkSamples)) return { refused: 'samples_out_of_range' }
  if ((coding & ALL_MISSING) !== 0) return { number: number - back, length, samples: null, missing: null }
  const missing = (coding & GAPS) === 0 ? null : reader.bytes((length + 7) >> 3)
  if (missing === null && (coding & GAPS) !== 0) return { refused: 'truncated' }
  const samples = (coding & RICE) === 0 ? reader.pcm(length) : readRice(reader, length)
  if ('refused' in samples) return samples
  const fault = missing === null ? null : mapFault(missing, samples)
  return fault === null ? { number: number - back, length, samples, missing } : { refused: fault }
}

function readRice(reader: Reader, length: number): Int16Array | Refused {
  const bytes = reader.uint16()
  const coded = bytes === null ? null : reader.bytes(bytes)
  if (coded === null) return { refused: 'truncated' }
  return decodeRice(coded, length) ?? { refused: 'bad_rice' }
}

/** Reads on from a place; null where the bytes end. */
class Reader {
  constructor(
    readonly view: DataView,
    private at: number,
  ) {}

  get atEnd(): boolean {
    return this.at === this.view.byteLength
  }

  #take(bytes: number): number | null {
    if (this.view.byteLength < this.at + bytes) return null
    this.at += bytes
    return this.at - bytes
  }

  uint8(): number | null {
    const at = this.#take(1)
    return at === null ? null : this.view.getUint8(at)
  }

  uint16(): number | null {
    const at = this.#take(2)
    return at === null ? null : this.view.getUint16(at)
  }

  uint32(): number | null {
    const at = this.#take(4)
    return at === null ? null : this.view.getUint32(at)
  }

  bytes(length: number): Uint8Array | null {
    const at = this.#take(length)
    return at === null ? null : new Uint8Array(this.view.buffer.slice(at, at + length))
  }

  pcm(length: number): Int16Array | Refused {
    const at = this.#take(2 * length)
    if (at === null) return { refused: 'truncated' }
    const samples = new Int16Array(length)
    for (let index = 0; index < length; index += 1) samples[index] = this.view.getInt16(at + 2 * index, true)
    return samples
  }
}

function parseOlder(view: DataView, packet: SoundPacket): SoundPacket | Refused {
  const reader = new Reader(view, OLDER_HEADER_BYTES)
  for (let left = view.getUint8(18); left > 0; left -= 1) {
    const chunk = readOlderChunk(reader, packet.chunkSamples)
    if ('refused' in chunk) return chunk
    packet.chunks.push(chunk)
    packet.number = Math.max(packet.number, chunk.number)
  }
  return reader.atEnd ? packet : { refused: 'left_over' }
}

function readOlderChunk(reader: Reader, chunkSamples: number): Chunk | Refused {
  const number = reader.uint32()
  const length = reader.uint16()
  const kind = reader.uint8()
  if (number === null || length === null || kind === null) return { refused: 'truncated' }
  if (length < 1 || length > chunkSamples) return { refused: 'samples_out_of_range' }
  if (kind > 2) return { refused: 'unknown_kind' }
  if (kind === 1) return { number, length, samples: null, missing: null }
  const missing = kind === 0 ? null : reader.bytes((length + 7) >> 3)
  const samples = reader.pcm(length)
  if ((missing === null && kind === 2) || 'refused' in samples) return { refused: 'truncated' }
  const fault = missing === null ? null : mapFault(missing, samples)
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
