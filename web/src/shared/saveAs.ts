/** Gives the browser a file to keep, as if it had been a link to it. */
export function saveAs(file: Blob, name: string): void {
  const address = URL.createObjectURL(file)
  const link = Object.assign(document.createElement('a'), { href: address, download: name })
  link.click()
  // the browser has taken it by then; without this the whole file stays in memory
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
