/** Names that a simulation gives its things, in its own English, for pages that say them in another tongue. Pure. */

/** "Simulated BM1000" → "BM1000"; "Simulated cuff" → "": there is no more in it than the kind. */
export function modelOf(model: string): string {
  const said = /^Simulated (.*)$/.exec(model)?.[1]
  if (said === undefined) return model
  return /^\p{Ll}/u.test(said) || said === 'CRP analyser' ? '' : said
}

/** The number of a demonstration's camera, or undefined for a real one, which has a name. */
export function demoCamera(name: string): string | undefined {
  return /^demo (\d{1,3})$/.exec(name)?.[1]
}
