// What the pages do beside being read: they follow what happens and count down. requests.js has what a person asks for, and
// chart.js the charts; the three know each other by events. Everything is drawn by the server: without these files all pages
// read, and all requests work.
const staleAfter = 8_000
const hiddenFor = 10_000
const banner = document.querySelector('#stale')
const dialog = document.querySelector('#dialog')
const live = () => document.querySelector('#live')

// ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────
/** How far the server's clock is ahead of ours, in ms. */
let ahead = 0
const now = () => Date.now() + ahead
const two = (value) => String(value).padStart(2, '0')

function clockOf(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1_000))
  const minutes = Math.floor(seconds / 60)
  return minutes >= 60
    ? `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`
}

/** As the server says it: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
function durationOf(ms) {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`
  const days = Math.floor(hours / 24)
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}

function tick() {
  const at = (element) => Date.parse(element.dateTime)
  for (const element of document.querySelectorAll('time[data-until]')) write(element, clockOf(at(element) - now()))
  for (const element of document.querySelectorAll('time[data-since]')) write(element, durationOf(now() - at(element)))
  for (const element of document.querySelectorAll('time[data-ago]'))
    write(element, `${durationOf(now() - at(element))} ago`)
}

// ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────
const told = document.querySelector('#told')
let saying

/** To whoever hears the page; the same words twice in a row would be said once. */
function say(text) {
  if (!told) return
  clearTimeout(saying)
  write(told, '')
  saying = setTimeout(() => write(told, text), 50)
}

// ── what is shown beside the page ───────────────────────────────────────────────────────────────────────────────
let tone
/** Whether what is drawn anew had the focus, which would begin again at the top where it is gone. */
let wasWithin = false
const isNowhere = () => document.activeElement === null || document.activeElement === document.body

function keepFocus(shown) {
  if (wasWithin && isNowhere() && !dialog?.open) document.querySelector('#main').focus({ preventScroll: true })
  wasWithin = shown.contains(document.activeElement)
}

document.addEventListener('focusin', ({ target }) => {
  wasWithin = live()?.contains(target) === true || dialog?.contains(target) === true
})
// What is pointed at gets the focus afterwards, if it can have it.
document.addEventListener('pointerdown', () => (wasWithin = false))

function adopt() {
  const shown = live()
  if (!shown) return
  ahead = Date.parse(shown.dataset.now) - Date.now()
  if (document.title !== shown.dataset.title) document.title = shown.dataset.title
  // What is done changes all the time; that it got worse or better does not.
  if (tone !== undefined && tone !== shown.dataset.tone && shown.dataset.verdict) say(shown.dataset.verdict)
  tone = shown.dataset.tone
  document.body.dataset.tone = tone
  keepFocus(shown)
  const icon = document.querySelector('link[rel="icon"]')
  const { icon: wanted } = shown.dataset
  if (icon && icon.getAttribute('href') !== wanted) icon.setAttribute('href', wanted)
  tick()
  for (const element of shown.querySelectorAll('.console')) toEnd(element)
  document.dispatchEvent(new CustomEvent('caretaker:shown'))
  // It is still being asked for: the next answer waits for it.
  if (shown.dataset.loading !== undefined) void refresh()
}

/** Shows what came last, unless a person has scrolled back. */
function toEnd(element) {
  const { end } = element.dataset
  if (end !== undefined && element.scrollTop + element.clientHeight < Number(end) - 4) return
  element.scrollTop = element.scrollHeight
  element.dataset.end = element.scrollHeight
}

// What a person has opened stays open, whatever is drawn anew.
htmx.config.morphIgnore.push('open', 'data-end')
// What is drawn here the server knows nothing of. htmx has no prefix for the attribute that would say so.
htmx.config.morphSkipChildren = '[data-drawing]'

// ── asking for the page again ───────────────────────────────────────────────────────────────────────────────────
let asking = false
let again = false
let drawnAt = 0

async function refresh() {
  const shown = live()
  if (!shown || shown.dataset.still !== undefined) return
  if (asking) {
    again = true
    return
  }
  asking = true
  try {
    drawnAt = Date.now()
    await htmx.ajax('GET', location.pathname + location.search, {
      source: '#live',
      target: '#live',
      swap: 'outerMorph',
    })
  } finally {
    asking = false
  }
  if (again) {
    again = false
    soon(1_000)
  }
}

/** Once, however often it is asked for meanwhile; never twice within so many ms. */
// The server gives what it has read to everybody who asks within 400 ms (`sharedFor` in reader.ts): sooner, a page would
// get what was so before the event, and stay with that.
const readAnewAfter = 450
let timer
let dueAt = Infinity
function soon(apart) {
  const due = Math.max(Date.now() + readAnewAfter, drawnAt + apart)
  if (due >= dueAt) return
  clearTimeout(timer)
  dueAt = due
  timer = setTimeout(() => {
    dueAt = Infinity
    if (!document.hidden) void refresh()
  }, due - Date.now())
}

document.addEventListener('htmx:before:swap', (event) => {
  const { target, text, response } = event.detail.ctx
  if (response?.status === 401) location.reload()
  // What is no page of ours, such as a proxy's complaint, takes the place of none.
  if (!(text ?? '').includes(target?.id === 'live' ? 'id="live"' : 'data-confirmation')) event.preventDefault()
})
document.addEventListener('htmx:after:swap', adopt)

// ── following what happens ──────────────────────────────────────────────────────────────────────────────────────
let heardAt = Date.now()
let connection
let modes = ''
let wait = 500

function hear(event, data) {
  if (event === 'state') {
    const state = JSON.parse(data)
    const { version } = document.body.dataset
    // Nothing was known of it where the page could not ask.
    if (version !== '' && state.version !== version) location.reload()
    wait = 500
  }
  if (event === 'power') {
    // Figures change all the time, and how the power is does not.
    const { upses } = JSON.parse(data)
    const before = modes
    modes = upses.map(({ state }) => state.mode).join()
    const isCalm = modes === before && upses.every(({ state }) => state.mode === 'on-mains')
    return soon(isCalm ? 10_000 : 1_000)
  }
  soon(1_000)
}

async function read(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    heardAt = Date.now()
    text += value
    const parts = text.split('\n\n')
    text = parts.pop()
    for (const part of parts) {
      const event = /^event: (.*)$/m.exec(part)?.[1]
      const data = /^data: (.*)$/m.exec(part)?.[1]
      if (event && data) hear(event, data)
    }
  }
}

async function follow() {
  if (connection || document.hidden || !live() || document.body.dataset.live === undefined) return
  const own = (connection = new AbortController())
  while (!own.signal.aborted) {
    try {
      const response = await fetch(document.body.dataset.live, { signal: own.signal, cache: 'no-store' })
      if (response.status === 401) return location.reload()
      if (response.ok && response.body) await read(response.body)
    } catch {
      // It is tried again, and the page says for how long nothing was heard.
    }
    await new Promise((resolve) => setTimeout(resolve, wait * (0.7 + 0.6 * Math.random())))
    wait = Math.min(wait * 1.6, 5_000)
  }
}

let hiding
document.addEventListener('visibilitychange', () => {
  clearTimeout(hiding)
  if (document.hidden) {
    hiding = setTimeout(() => {
      connection?.abort()
      connection = undefined
    }, hiddenFor)
    return
  }
  if (!connection) {
    heardAt = Date.now()
    void follow()
  }
  soon(1_000)
})
addEventListener('pageshow', ({ persisted }) => persisted && location.reload())

let wasStale = false

function watchSilence() {
  if (document.body.dataset.live === undefined || document.hidden) return
  const silent = Date.now() - heardAt
  const isStale = silent > staleAfter
  // The banner counts on; it is said once.
  if (isStale !== wasStale) say(isStale ? 'Not heard from the daemon.' : 'The daemon is back.')
  wasStale = isStale
  document.body.classList.toggle('is-stale', isStale)
  banner.hidden = !isStale
  write(banner, isStale ? `Not heard from the daemon for ${durationOf(silent)}. What is shown may be out of date.` : '')
}

// ── what requests.js asks for ───────────────────────────────────────────────────────────────────────────────────────
document.addEventListener('caretaker:say', ({ detail }) => say(detail))
document.addEventListener('caretaker:asked', () => soon(0))

document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
adopt()
void follow()
setInterval(() => {
  tick()
  watchSilence()
  const { every } = document.querySelector('[data-every]')?.dataset ?? {}
  if (every !== undefined) soon(Number(every))
}, 1_000)
// Whatever no event tells of: windows that open, times that pass.
setInterval(() => soon(30_000), 30_000)
