/**
 * How late chunks come, measured as the shift (samples) between the sample clock of the stream and that of the loudspeaker
 * which each would have needed to be in time.
 */
import { Stall, type Pace } from './stall'

const LONG = 1500
const RECENT = 50
const NOW = 10
/** So much of LONG may come too late: more delay would cost the listener more than a gap of one chunk now and then. */
const LATE_SHARE = 0.005
/** So many more are chance: of some hundred chunks, two late ones are a large share and say nothing of the way. */
const CHANCE = 2
/** This much of RECENT is no accident: the way has become longer. */
const RECENT_SHARE = 0.2

/** The newest values, at most `size`. */
class Window {
  readonly #values: Float64Array
  #count = 0

  constructor(size: number) {
    this.#values = new Float64Array(size)
  }

  add(value: number): void {
    this.#values[this.#count % this.#values.length] = value
    this.#count += 1
  }

  get count(): number {
    return Math.min(this.#count, this.#values.length)
  }

  sorted(): Float64Array {
    return this.#values.slice(0, this.count).sort()
  }
}

export class Lateness {
  #long = new Window(LONG)
  #recent = new Window(RECENT)
  /** Of the newest chunk of each packet: the way as it is, without what was lost and sent again. */
  readonly #way = new Window(RECENT)
  readonly #wayNow = new Window(NOW)
  readonly #stall = new Stall()
  #pace: Pace = 'steady'
  /** Of a stall: counted only if it turns out to be none. */
  #held: number[] = []

  /** `most`: how much later than the quickest a chunk may be waited for, samples. */
  constructor(
    readonly most: number,
    readonly rateHz: number,
  ) {}

  /** A packet came at `clock`, whose newest chunk would have needed this shift. */
  packet(need: number, clock: number): void {
    this.#way.add(need)
    this.#wayNow.add(need)
    const perMs = this.rateHz / 1000
    this.#pace = this.#stall.came(clock / perMs, (need - this.quickest) / perMs)
    if (this.#pace === 'stall') return
    const held = this.#held
    this.#held = []
    if (this.#pace === 'way') for (const one of held) this.#add(one)
  }

  /** A chunk came for the first time. What is later than anybody would wait for says nothing about the way. */
  chunk(need: number): void {
    if (need > this.quickest + this.most) return
    if (this.#pace === 'stall') this.#held.push(need)
    else this.#add(need)
  }

  #add(need: number): void {
    this.#long.add(need)
    this.#recent.add(need)
  }

  /** Begin to learn anew, but for the way. */
  forget(): void {
    this.#long = new Window(LONG)
    this.#recent = new Window(RECENT)
    this.#held = []
    this.#stall.forget()
  }

  get count(): number {
    return this.#long.count
  }

  /** The shift of the quickest packet of late; Infinity before the first. */
  get quickest(): number {
    return this.#way.sorted()[0] ?? Infinity
  }

  /** How far apart the packets of the last moment came. */
  get unrest(): number {
    const now = this.#wayNow.sorted()
    return now.length === 0 ? 0 : (now.at(-1) as number) - (now[0] as number)
  }

  /** The shift to go to when it has become too little: a way that became longer is so for all. */
  ahead(): number {
    const now = this.#wayNow.sorted()[0] ?? Infinity
    return Math.min(this.#slow() + now - this.quickest, this.quickest + this.most)
  }

  /** The shift that is needed at `clock` so that only a tolerable share comes too late. */
  wanted(clock: number): number {
    const most = this.quickest + this.most
    return Math.min(Math.max(this.#slow(), this.#now(), this.#stalls(clock)), most)
  }

  /** Whether this shift is too little, worth a break: for most of what comes, or by more than `little` for the few. */
  lacks(shift: number, clock: number, little: number): boolean {
    const most = this.quickest + this.most
    return Math.min(Math.max(this.#slow() - little, this.#now(), this.#stalls(clock) - little), most) > shift
  }

  #now(): number {
    const recent = this.#recent.sorted()
    return recent[Math.max(0, Math.ceil(recent.length * (1 - RECENT_SHARE)) - 1)] ?? -Infinity
  }

  #stalls(clock: number): number {
    const perMs = this.rateHz / 1000
    return this.quickest + this.#stall.needsMs(clock / perMs) * perMs
  }

  #slow(): number {
    const long = this.#long.sorted()
    const tolerated = CHANCE + Math.floor(long.length * LATE_SHARE)
    return long[Math.max(0, long.length - 1 - tolerated)] ?? -Infinity
  }
}
