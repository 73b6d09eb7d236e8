/** Weeks by their Monday, and days, as the hub names them: `2026-11-16`. Pure; UTC is only the calendar's arithmetic. */
const DAY_MS = 86_400_000

const noon = (day: string): number => Date.parse(`${day}T12:00:00Z`)
const named = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

export function addDays(day: string, days: number): string {
  return named(noon(day) + days * DAY_MS)
}

export function mondayOf(day: string): string {
  return addDays(day, -((new Date(noon(day)).getUTCDay() + 6) % 7))
}

/** The last week that is over. */
export function lastWeek(today: string): string {
  return addDays(mondayOf(today), -7)
}

/** Number of the week after ISO 8601: the one that has the year's first Thursday is week 1. */
export function weekNumber(monday: string): number {
  const thursday = addDays(monday, 3)
  return 1 + Math.floor((noon(thursday) - noon(`${thursday.slice(0, 4)}-01-01`)) / (7 * DAY_MS))
}

/** Newest first, up to the oldest week in which anything was: before that there is nothing to compare with. */
export function withoutEmptyEnd<Week extends { visits: number; emergencies: number }>(weeks: readonly Week[]): Week[] {
  return weeks.slice(0, 1 + weeks.findLastIndex((week, place) => place === 0 || week.visits > 0 || week.emergencies > 0))
}
