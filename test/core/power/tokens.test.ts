import { describe, expect, test } from 'vitest'
import { evidenceOf, hasToken, parseStatus, tokens, unclearWords } from '../../../src/core/power/tokens.ts'
import { upsObstacle } from '../../../src/core/power/state.ts'
import type { UpsReading } from '../../../src/core/power/ups.ts'
import { after, each, goOn, policy, told } from './stories.ts'

test.each<[string, string]>([
  ['OL', 'mains'],
  ['OL CHRG', 'mains'],
  ['OL DISCHRG', 'mains'],
  ['OL OFF', 'mains'],
  ['FSD OL', 'mains'],
  ['OB', 'battery'],
  ['OB OFF OB', 'battery'],
  ['OL OB', 'battery'],
  ['DISCHRG', 'battery'],
  ['DISCHRG LB', 'battery'],
  ['CHRG', 'likely-mains'],
  ['BYPASS', 'likely-mains'],
  ['BYPASS CHRG', 'likely-mains'],
  ['TRIM', 'likely-mains'],
  ['BOOST ALARM', 'likely-mains'],
  ['ECO', 'likely-mains'],
  ['HE', 'likely-mains'],
  ['CHRG DISCHRG', 'unclear'],
  ['OFF', 'unclear'],
  ['OFF DISCHRG', 'unclear'],
  ['ALARM', 'unclear'],
  ['RB OVER', 'unclear'],
  ['LB', 'unclear'],
  ['CAL', 'unclear'],
  ['TEST', 'unclear'],
  ['OLCHRG', 'unclear'],
  ['constructor', 'unclear'],
  ['', 'no-data'],
  ['WAIT', 'no-data'],
  ['FSD', 'no-data'],
  ['FSD WAIT', 'no-data'],
  ['COMMLOST', 'no-data'],
  ['ONLINE', 'mains'],
  ['ONBATT LOWBATT', 'battery'],
])('"%s" says of mains power: %s', (status, evidence) => {
  expect(evidenceOf(status.split(' ').filter(Boolean))).toBe(evidence)
})

describe('a status of', () => {
  test.each([
    ['OL CHRG', ['OL', 'CHRG']],
    ['  ol\tchrg ', ['OL', 'CHRG']],
    ['ob lb', ['OB', 'LB']],
    ['OB OFF OB', ['OB', 'OFF']],
    ['FSD OL CHRG', ['FSD', 'OL', 'CHRG']],
    // One after the other.
    ['OLCHRG', ['OL', 'CHRG']],
    ['OBLB', ['OB', 'LB']],
    ['oblb', ['OB', 'LB']],
    ['OBDISCHRGLB', ['OB', 'DISCHRG', 'LB']],
    ['OBDISCHRG LB', ['OB', 'DISCHRG', 'LB']],
    ['FSDOBLB', ['FSD', 'OB', 'LB']],
    ['LBOB', ['LB', 'OB']],
    ['OB OBLB LB', ['OB', 'LB']],
    ['OLOB OLOLCHRG', ['OL', 'OB', 'CHRG']],
    // With something between them.
    ['OB,LB', ['OB', 'LB']],
    ['ob, lb', ['OB', 'LB']],
    ['OB|LB', ['OB', 'LB']],
    ['OB;DISCHRG;LB;', ['OB', 'DISCHRG', 'LB']],
    ['OL/CHRG', ['OL', 'CHRG']],
    ['OB+LB', ['OB', 'LB']],
    ['OB (LB)', ['OB', 'LB']],
    ['OB-LB', ['OB', 'LB']],
    ['OL_CHRG', ['OL', 'CHRG']],
    ['OBDISCHRG,LB', ['OB', 'DISCHRG', 'LB']],
    ['OL,XYZ', ['OL', 'XYZ']],
    // What nobody understands stays as it is.
    ['OL vendor:eaton:ECO NEW', ['OL', 'VENDOR:EATON:ECO', 'NEW']],
    ['OLNEW OFF OVER', ['OLNEW', 'OFF', 'OVER']],
    ['OLB', ['OLB']],
    ['NOT-OL', ['NOT-OL']],
    ['!OL', ['!OL']],
    ['COMM-LOST', ['COMM-LOST']],
    ['N/A', ['N/A']],
    ['OFFLINE', ['OFFLINE']],
    ['constructor', ['CONSTRUCTOR']],
    [',', [',']],
    ['', []],
    ['WAIT', ['WAIT']],
  ])('%j has the tokens %j', (text, expected) => {
    expect(parseStatus(text)).toEqual(expected)
  })

  test('tokens one after the other can be read in one way only, because none is the beginning of another', () => {
    const names = Object.keys(tokens)
    expect(names.filter((one) => names.some((other) => other !== one && other.startsWith(one)))).toEqual([])
  })

  test.each([
    ['OL OLB', ['OLB']],
    ['OBX', ['OBX']],
    ['NOT-OL !OB', ['NOT-OL', '!OB']],
    ['OL XYZ COOLING OFFLINE N/A', []],
    ['OB LB,XYZ', []],
  ])('%j has the unclear words %j', (text, words) => {
    expect(unclearWords(parseStatus(text))).toEqual(words)
  })
})

test('the words of another program count as the tokens of the standard', () => {
  expect(hasToken(['ONBATT', 'LOWBATT'], 'LB')).toBe(true)
  expect(hasToken(['ONBATT'], 'OB')).toBe(true)
  expect(hasToken(['ONLINE'], 'OL')).toBe(true)
  expect(hasToken(['ONLINE'], 'OB')).toBe(false)
  expect(told(after(['0: ONLINE', '1: ONBATT LOWBATT', '4: ONBATT LOWBATT']))).toBe('critical: low-battery')
})

describe('a status that says nothing for certain of mains power', () => {
  const usual = { onMainsAfter: 15_000, minimumRuntime: undefined }
  const used = ['0: OL', ...each(1, 8, 'OB')]
  test.each<{ name: string; story: string[]; figures?: Partial<UpsReading>; changed?: object; state: string }>([
    {
      name: 'keeps a UPS on battery',
      story: [...used, ...each(9, 60, 'BYPASS CHRG')],
      figures: { charge: 96 },
      state: 'on-battery',
    },
    {
      name: 'and is mains power once it has hinted at it for long',
      story: [...used, ...each(9, 310, 'BYPASS CHRG')],
      figures: { charge: 96 },
      state: 'on-mains',
    },
    {
      name: 'keeps a UPS on mains',
      story: ['0: OL', ...each(1, 900, 'ALARM')],
      figures: { charge: 96 },
      state: 'on-mains',
    },
    {
      name: 'is not silence',
      story: [...used, ...each(9, 100, 'ALARM')],
      figures: { charge: 96 },
      state: 'on-battery',
    },
    {
      name: 'hides no low charge on battery',
      story: [...used, ...each(9, 30, 'ALARM')],
      figures: { charge: 20 },
      state: 'critical: low-charge',
    },
    { name: 'hides no low battery', story: [...used, ...each(9, 30, 'ALARM LB')], state: 'critical: low-battery' },
    {
      name: 'lasts no longer than a time on battery may',
      story: [...used, ...each(9, 910, 'ALARM')],
      state: 'critical: on-battery-too-long',
    },
    {
      name: 'has a limit of its own where that has none',
      story: [...used, ...each(9, 920, 'ALARM')],
      changed: { maxOnBattery: undefined },
      state: 'critical: on-battery-too-long',
    },
    {
      name: 'ends no shutdown',
      story: ['0: OL', ...each(1, 5, 'OB LB'), ...each(6, 900, 'ALARM')],
      state: 'critical: low-battery',
    },
    {
      name: 'ends one when it has hinted at mains power for long',
      story: ['0: OL', ...each(1, 5, 'OB LB'), ...each(6, 310, 'CHRG')],
      state: 'on-mains',
    },
    { name: 'is not the same as no data at the start', story: each(1, 20, 'BYPASS CHRG'), state: 'unknown' },
    {
      name: 'is mains power at the start once it has hinted at it',
      story: each(1, 310, 'BYPASS CHRG'),
      state: 'on-mains',
    },
    {
      name: 'turns a blip into battery when OB was the last word',
      story: ['0: OL', '1: OB', '3: OB', ...each(4, 10, 'ALARM')],
      state: 'on-battery',
    },
    {
      name: 'but not when it hints at mains power',
      story: ['0: OL', '1: OB', '3: OB', ...each(4, 10, 'BYPASS')],
      state: 'on-mains',
    },
  ])('$name: $state', ({ story, figures = {}, changed = {}, state }) => {
    expect(told(after(story, { ...usual, ...changed }, false, figures))).toBe(state)
  })

  test('goes on with a shutdown that was under way when the agent stopped', () => {
    expect(told(after(each(1, 31, 'ALARM'), usual, true))).toBe('critical: outage-resumed')
    expect(told(after(each(1, 31, 'BYPASS CHRG'), usual, true))).toBe('unknown')
    expect(told(after(each(1, 900, 'ALARM'), usual, true, {}, true))).toBe('unknown')
  })

  test('is named where nothing may begin because of it', () => {
    const state = after(['0: OL', ...each(1, 40, 'ALARM RB')])
    expect(upsObstacle(state, 20_000, policy)).toBeUndefined()
    expect(upsObstacle(state, 40_000, policy)).toBe(
      'the status of the UPS (ALARM RB) does not say whether it has mains power',
    )
    expect(upsObstacle(goOn(state, ['41: OL']), 41_000, policy)).toBeUndefined()
  })
})
