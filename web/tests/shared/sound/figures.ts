/**
 * The figures of the live sound as `simulation.ts` gives them; docs/decisions/0002 tells how to run it.
 */
import { burstsOf, lossOf, percentile, randomOf, simulate, type Path } from './simulation'

const MINUTES = 10
const PATHS: Record<string, Omit<Path, 'seconds' | 'seed'>> = {
  'clean': {},
  'clean, clocks 200 ppm apart': { driftPpm: 200 },
  'clean, 70 ms held up thrice in the first half second': { held: [[100, 70], [250, 70], [400, 70]] },
  'loss 5 %': { loss: (random) => lossOf(0.05, random) },
  'loss 10 %': { loss: (random) => lossOf(0.1, random), jitterMs: 10 },
  'bursts of 4, 5 %': { loss: (random) => burstsOf(0.05, 4, random) },
  'held up for 250 ms every 30 s, loss 5 %': { loss: (random) => lossOf(0.05, random), stalls: [30_000, 250] },
  'outage of 8 s, loss 5 %': { loss: (random) => lossOf(0.05, random), outage: [120_000, 128_000] },
}

console.log('| path | p50 / p99 over one way, ms | on time at 150 / 250 ms, % | not in time, % | breaks | missing after repair |')
console.log('|---|---|---|---|---|---|')
for (const [name, path] of Object.entries(PATHS)) {
  const heard = simulate({ seconds: MINUTES * 60, seed: 7, ...path })
  const over = (share: number): string => (percentile(heard.latencyMs, share) - 40).toFixed(0)
  const onTime = (ms: number): string => ((100 * heard.onWayMs.filter((one) => one <= ms).length) / heard.onWayMs.length).toFixed(2)
  const { played, waited, skipped, jumps } = heard.playout.counts
  const late = ((100 * waited) / (played + waited + skipped)).toFixed(2)
  console.log(`| ${name} | ${over(0.5)} / ${over(0.99)} | ${onTime(150)} / ${onTime(250)} | ${late} | ${jumps} | ${heard.copy.missing} |`)
}

/** Moments in which all is held up, 100 to 300 ms, at random times so many seconds apart on average: [when, how long], ms. */
function heldUp(seed: number, apartS: number, seconds: number): [number, number][] {
  const random = randomOf(seed)
  const found: [number, number][] = []
  for (let at = 3000; ; ) {
    at += -Math.log(1 - random()) * apartS * 1000 + 400
    if (at > seconds * 1000) return found
    found.push([at, 100 + 200 * random()])
  }
}

const SEEDS = [1, 2, 3, 4, 5, 6]
const PIECE_S = 180
console.log('\n| held up at random, loss 5 %, on average every | p50 / p99 over one way, ms | breaks a minute |')
console.log('|---|---|---|')
for (const apartS of [60, 30]) {
  const pieces = SEEDS.map((seed) => simulate({ seconds: PIECE_S, seed, loss: (random) => lossOf(0.05, random), held: heldUp(seed, apartS, PIECE_S) }))
  const over = (share: number): string => (percentile(pieces.flatMap(({ latencyMs }) => latencyMs), share) - 40).toFixed(0)
  const breaks = pieces.reduce((sum, { playout }) => sum + playout.counts.jumps, 0) / ((SEEDS.length * PIECE_S) / 60)
  console.log(`| ${apartS} s | ${over(0.5)} / ${over(0.99)} | ${breaks.toFixed(2)} |`)
}

/** A busy beginning: held up for 20 to 80 ms again and again until `untilMs`. */
function disturbed(seed: number, untilMs: number): [number, number][] {
  const random = randomOf(seed * 7)
  const found: [number, number][] = []
  for (let at = 30; at < untilMs; at += 60 + 120 * random()) found.push([at, 20 + 60 * random()])
  return found
}

console.log('\n| beginning disturbed for, ms | p50 over one way of eight listenings of 40 s, ms | breaks in all |')
console.log('|---|---|---|')
for (const untilMs of [500, 1000, 2000]) {
  const heard = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => simulate({ seconds: 40, seed, held: disturbed(seed, untilMs) }))
  const delays = heard.map(({ latencyMs }) => (percentile(latencyMs, 0.5) - 40).toFixed(0)).join(', ')
  console.log(`| ${untilMs} | ${delays} | ${heard.reduce((sum, { playout }) => sum + playout.counts.jumps, 0)} |`)
}
