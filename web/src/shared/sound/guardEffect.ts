/** Builds the guard for a player's context (`SoundPlayer.through`). */
import type { EffectBuilder } from './effects'
import workletUrl from './guard.worklet.ts?worker&url'

/** `onReduced` is told by how many dB the sound is turned down, whenever that changes; 0 when it is untouched. */
export function guardEffect(onReduced: (decibel: number) => void): EffectBuilder {
  return async (context) => {
    await context.audioWorklet.addModule(workletUrl)
    const node = new AudioWorkletNode(context, 'sound-guard', { numberOfInputs: 1, outputChannelCount: [1] })
    node.port.onmessage = (event: MessageEvent<number>) => onReduced(event.data)
    return node
  }
}
