import { expect, test } from 'vitest'
import { EffectChain } from '../../../src/shared/sound/effects'

/** Web Audio stands outside: nodes that remember what they are connected to. */
class Node {
  to: Node | null = null
  context: { destination: Node }
  constructor(
    readonly name: string,
    destination?: Node,
  ) {
    this.context = { destination: destination ?? this }
  }
  connect(other: Node): void {
    if (this.to !== null) throw new Error(`${this.name} is connected twice`)
    this.to = other
  }
  disconnect(): void {
    this.to = null
  }
}
const audio = (node: Node): AudioNode => node as unknown as AudioNode
const way = (from: Node): string[] => (from.to === null ? [from.name] : [from.name, ...way(from.to)])

const speaker = new Node('speaker')
const source = (): Node => new Node('source', speaker)
const effect = (name: string) => async (): Promise<AudioNode> => audio(new Node(name))

test('without effects the way is direct', async () => {
  const chain = new EffectChain()
  const first = source()
  await chain.from(audio(first))
  expect(way(first)).toEqual(['source', 'speaker'])
})

test('effects stand in the order they came, can be taken out, and are built for another source too', async () => {
  const chain = new EffectChain()
  const first = source()
  const boost = await chain.add(effect('boost'))
  await chain.from(audio(first))
  await chain.add(effect('guard'))
  expect(way(first)).toEqual(['source', 'boost', 'guard', 'speaker'])
  await boost()
  await boost()
  expect(way(first)).toEqual(['source', 'guard', 'speaker'])
  const second = source()
  await chain.from(audio(second))
  expect(way(second)).toEqual(['source', 'guard', 'speaker'])
})

test('an effect of several nodes is entered at its input and left at its output', async () => {
  const chain = new EffectChain()
  const first = source()
  const [input, output] = [new Node('in'), new Node('out')]
  input.connect(output)
  await chain.add(async () => ({ input: audio(input), output: audio(output) }))
  await chain.from(audio(first))
  expect(way(first)).toEqual(['source', 'in', 'out', 'speaker'])
})

test('an effect that fails or does not fit is left out', async () => {
  const chain = new EffectChain()
  const first = source()
  await chain.add(() => Promise.reject(new Error('no such node')))
  await chain.add(async () => null)
  await chain.from(audio(first))
  expect(way(first)).toEqual(['source', 'speaker'])
})

test('effects that are built slowly end up in one way, not two', async () => {
  const chain = new EffectChain()
  const first = source()
  let ready = (): void => {}
  const slow = new Promise<void>((resolve) => (ready = resolve))
  const adding = chain.add(async () => (await slow, audio(new Node('slow'))))
  const joined = chain.from(audio(first))
  const quick = chain.add(effect('quick'))
  ready()
  await Promise.all([adding, joined, quick])
  expect(way(first)).toEqual(['source', 'slow', 'quick', 'speaker'])
})

test('what must see everything stays last, whenever the others come', async () => {
  const chain = new EffectChain()
  const first = source()
  await chain.from(audio(first))
  const guard = await chain.add(effect('guard'), true)
  await chain.add(effect('aid'))
  await chain.add(effect('boost'))
  expect(way(first)).toEqual(['source', 'aid', 'boost', 'guard', 'speaker'])
  await guard()
  expect(way(first)).toEqual(['source', 'aid', 'boost', 'speaker'])
})
