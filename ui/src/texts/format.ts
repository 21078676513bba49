/** Moments, spans and numbers as people read them, in the language of the browser. */

const locale = typeof navigator === 'undefined' ? 'en' : navigator.language

const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' })
const shortDay = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' })
const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' })
const full = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long' })
const exact = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const numbers = new Intl.NumberFormat(locale)
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** 14:05 of today, else 21 Nov 14:05, with the year if it is another one. */
export function moment(instant: string, now = Date.now()): string {
  const at = new Date(instant)
  const today = new Date(now)
  if (at.toDateString() === today.toDateString()) return clock.format(at)
  return `${(at.getFullYear() === today.getFullYear() ? shortDay : day).format(at)} ${clock.format(at)}`
}

/** With seconds and the time zone: for tooltips. */
export function precise(instant: string): string {
  return full.format(new Date(instant))
}

export function seconds(instant: string): string {
  return exact.format(new Date(instant))
}

/** 5 min, 3 h, 2 d 3 h. */
export function span(milliseconds: number): string {
  const rest = Math.max(0, milliseconds)
  if (rest < MINUTE) return `${Math.floor(rest / 1000)} s`
  if (rest < HOUR) return `${Math.floor(rest / MINUTE)} min`
  if (rest < DAY) {
    const minutes = Math.floor((rest % HOUR) / MINUTE)
    return `${Math.floor(rest / HOUR)} h${minutes && rest < 10 * HOUR ? ` ${minutes} min` : ''}`
  }
  const hours = Math.floor((rest % DAY) / HOUR)
  return `${Math.floor(rest / DAY)} d${hours && rest < 10 * DAY ? ` ${hours} h` : ''}`
}

/** in 5 days, yesterday, 3 hours ago. */
export function fromNow(instant: string, now = Date.now()): string {
  const away = new Date(instant).getTime() - now
  const size = Math.abs(away)
  if (size < MINUTE) return relative.format(0, 'minute') === 'this minute' ? 'now' : relative.format(0, 'minute')
  if (size < HOUR) return relative.format(Math.round(away / MINUTE), 'minute')
  if (size < DAY) return relative.format(Math.round(away / HOUR), 'hour')
  return relative.format(Math.round(away / DAY), 'day')
}

export function number(value: number): string {
  return numbers.format(value)
}

/** A name of a field in words: monthlyIncome, monthly_income → Monthly income. */
export function human(name: string): string {
  const words = name.replace(/[_-]+/g, ' ').replace(/([a-z\d])([A-Z])/g, '$1 $2').toLowerCase().trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
