import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { utimes } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCalendar } from '../../../src/adapters/calendar/calendar.ts'
import type { Calendar } from '../../../src/core/upgrade/ports.ts'
import { type CalendarLab, calendarOf, eventOf, startCalendarLab } from './lab.ts'
import { refusal } from '../refusal.ts'
import { soon } from '../../patience.ts'

const minutes = 60_000
const hours = 60 * minutes
const holiday = (name: string) => calendarOf(eventOf('DTSTART;VALUE=DATE:20261224', `SUMMARY:${name}`))

let now: number
const look = async (calendar: Calendar, signal = soon()) =>
  (await calendar.blackouts(new Date(now), signal)).map(({ reason }) => reason)
beforeEach(() => {
  now = Date.parse('2026-11-22T03:00:00Z')
})

describe('a calendar in a file', () => {
  let at: CalendarLab
  beforeEach(async () => {
    at = await startCalendarLab()
  })
  afterEach(() => at[Symbol.asyncDispose]())

  test('is read again when it has changed', async () => {
    const calendar = createCalendar({ source: at.file, timeZone: 'UTC' })
    await at.write(holiday('Christmas'))
    expect(await look(calendar)).toEqual(['Christmas'])
    await at.write(holiday('Halloween'))
    await utimes(at.file, 1, 2)
    expect(await look(calendar)).toEqual(['Halloween'])
    await at.write('garbage')
    expect((await refusal(look(calendar))).message).toContain('holidays.ics:1: ')
    await at.write(holiday('Christmas'))
    expect(await look(calendar)).toEqual(['Christmas'])
  })

  test('moves on with the clock though it does not change', async () => {
    const series = ['DTSTART:20261122T000000Z', 'DURATION:PT30M', 'RRULE:FREQ=HOURLY']
    await at.write(calendarOf(eventOf(...series)))
    const calendar = createCalendar({ source: at.file, timeZone: 'UTC', days: 1 })
    const span = async () => {
      const found = await calendar.blackouts(new Date(now), soon())
      return [found[0], found.at(-1)].map((one) => (one!.from - now) / minutes)
    }
    expect(await span()).toEqual([0, 23 * 60])
    now += 31 * minutes
    expect(await span()).toEqual([29, 23 * 60 + 29])
    now += 1_000 * hours
    expect(await span()).toEqual([29, 23 * 60 + 29])
    now -= 500 * hours
    expect(await span()).toEqual([29, 23 * 60 + 29])
  })
})

describe('a calendar on a server', () => {
  let server: Server
  let calendar: Calendar
  let host: string
  let answer: (request: IncomingMessage, response: ServerResponse) => void
  let asked: (string | undefined)[]
  const serve = (text: string, etag = '"1"') => {
    answer = (request, response) =>
      request.headers['if-none-match'] === etag
        ? response.writeHead(304).end()
        : response.writeHead(200, { etag }).end(text)
  }
  const fail = (status: number) => {
    answer = (_, response) => response.writeHead(status).end('no')
  }
  beforeEach(async () => {
    asked = []
    serve(holiday('Christmas'))
    server = createServer((request, response) => {
      asked.push(request.headers['if-none-match'])
      answer(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`
    calendar = createCalendar({ source: `http://${host}/private-4711/basic.ics`, timeZone: 'UTC' })
  })
  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  test('is asked for every quarter of an hour, and sent only when it has changed', async () => {
    expect(await look(calendar)).toEqual(['Christmas'])
    now += 14 * minutes
    expect(await look(calendar)).toEqual(['Christmas'])
    expect(asked).toEqual([undefined])
    now += minutes
    expect(await look(calendar)).toEqual(['Christmas'])
    expect(asked).toEqual([undefined, '"1"'])
    serve(holiday('Halloween'), '"2"')
    now += 15 * minutes
    expect(await look(calendar)).toEqual(['Halloween'])
  })

  test('that is away is stood in for by its copy for a day, from when it was last good', async () => {
    await look(calendar)
    now += 20 * hours
    expect(await look(calendar)).toEqual(['Christmas'])
    for (const trouble of [() => fail(503), () => fail(404), () => serve('<html>', '"9"'), () => server.close()]) {
      trouble()
      server.closeAllConnections()
      now += 5 * hours
      expect(await look(calendar)).toEqual(['Christmas'])
    }
    now += 5 * hours
    expect(await refusal(look(calendar))).toMatchObject({
      code: 'unreachable',
      message: `the calendar at ${host}: connection refused`,
    })
  })

  test('that is away from the start is asked again after a minute', async () => {
    fail(503)
    const error = await refusal(look(calendar))
    expect(error).toMatchObject({ code: 'unreachable', message: `the calendar at ${host}: HTTP 503` })
    now += 59_000
    expect(await refusal(look(calendar))).toBe(error)
    expect(asked).toHaveLength(1)
    serve(holiday('Christmas'))
    now += 1_000
    expect(await look(calendar)).toEqual(['Christmas'])
  })

  test.each([403, 404, 410])('that answers %d is told as refused', async (status) => {
    fail(status)
    expect(await refusal(look(calendar))).toMatchObject({ code: 'rejected' })
  })

  test('that is bad is told with its line, and without its secret address', async () => {
    serve(calendarOf(eventOf('SUMMARY:Whenever')))
    const error = await refusal(look(calendar))
    expect(error).toMatchObject({
      code: 'malformed',
      message: `the calendar at ${host}, line 4: an event has no DTSTART`,
    })
  })

  test('may be elsewhere', async () => {
    answer = (request, response) =>
      request.url === '/elsewhere'
        ? response.writeHead(200).end(holiday('Christmas'))
        : response.writeHead(302, { location: '/elsewhere' }).end()
    expect(await look(calendar)).toEqual(['Christmas'])
  })

  test('without end is given up', async () => {
    answer = (_, response) => response.writeHead(200).end('x'.repeat(5 * 1_048_576))
    expect((await refusal(look(calendar))).message).toBe(`the calendar at ${host}: it is larger than 4 MiB`)
  })

  test('that has moved is followed, and never to where machines tell of themselves', async () => {
    const there = answer
    answer = (request, response) =>
      request.url === '/moved' ? there(request, response) : response.writeHead(301, { location: '/moved' }).end()
    expect(await look(calendar)).toEqual(['Christmas'])
    now += 15 * minutes
    answer = (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/user-data' }).end()
    const other = createCalendar({ source: `http://${host}/other.ics`, timeZone: 'UTC' })
    expect(await refusal(look(other))).toMatchObject({
      code: 'rejected',
      message: `the calendar at ${host}: it redirects to 169.254.169.254, whose address 169.254.169.254 is link-local, while 127.0.0.1 is loopback: it is not followed`,
    })
  })

  test('that does not answer is given up when it is called off, and asked again at once', async () => {
    const over = new AbortController()
    answer = () => over.abort()
    expect(await refusal(look(calendar, over.signal))).toMatchObject({
      code: 'unreachable',
      message: `the calendar at ${host}: it did not answer in time`,
    })
    serve(holiday('Christmas'))
    expect(await look(calendar)).toEqual(['Christmas'])
  })

  test('that breaks off is told', async () => {
    answer = (request, response) => {
      response.writeHead(200, { 'content-length': '10000' }).write('BEGIN:VCALENDAR')
      request.socket.end()
    }
    expect(await refusal(look(calendar))).toMatchObject({ code: 'unreachable' })
  })

  test('needs an address that is one', () => {
    expect(() => createCalendar({ source: 'https://', timeZone: 'UTC' })).toThrow(
      "the calendar's address is not a valid URL",
    )
  })
})
