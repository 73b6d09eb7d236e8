"""What a page notes of its calls and of the people that it lists, from now on."""

WATCH_CALLS = """() => {
  window.__calls = 0
  if (window.__callsWatched) return
  window.__callsWatched = true
  const Real = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Real {
    constructor(...said) {
      super(...said)
      window.__calls += 1
    }
  }
}"""
WATCH_PEOPLE = """() => {
  const seen = (window.__people = [])
  const look = () => {
    const now = [...document.querySelectorAll('[data-testid="person"]')].map((one) => one.dataset.role).sort().join()
    if (seen.at(-1) !== now) seen.push(now)
  }
  window.__peopleWatch?.disconnect()
  window.__peopleWatch = new MutationObserver(look)
  window.__peopleWatch.observe(document.body, { subtree: true, childList: true })
  look()
}"""
