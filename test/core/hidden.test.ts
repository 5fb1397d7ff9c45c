import { expect, test } from 'vitest'
import { secretsOfBody, secretsOfHeader, secretsOfLogin, secretsOfUrl, withoutSecrets } from '../../src/core/hidden.ts'

const secret = 'pä ss"w/rd%'
const base64 = (text: string) => Buffer.from(text).toString('base64')

test.each([
  { what: 'as it is', text: `no ${secret}!`, said: 'no …!' },
  { what: 'in a URL', text: `?a=${encodeURIComponent(secret)}&b`, said: '?a…&b' },
  { what: 'in JSON', text: `{"a":${JSON.stringify(secret)}}`, said: '{"a":"…"}' },
  {
    what: 'in base64, with what fills it up or without',
    text: `${base64(secret)}, ${base64(secret).replace(/=+$/, '')}`,
    said: '…, …',
  },
  { what: 'twice', text: secret + secret, said: '……' },
  { what: 'nowhere', text: 'nothing of it', said: 'nothing of it' },
])('a secret $what is not told', ({ text, said }) => {
  const told = withoutSecrets(text, [secret])
  expect(told.replaceAll('=', '')).toBe(said)
})

test('what is too short to be a secret, or is none, leaves a text as it is', () => {
  expect(withoutSecrets('abc undefined', ['abc', '', undefined])).toBe('abc undefined')
})

test('the longer of two secrets is taken out first, so that nothing is left of it', () => {
  expect(withoutSecrets('pass-word', ['pass', 'pass-word'])).toBe('…')
})

test.each([
  { what: 'one half of a character', odd: '\ud800half' },
  { what: 'a % that begins nothing', odd: '100%zz' },
])('$what in a secret stops nobody', ({ odd }) => {
  expect(withoutSecrets(`a ${odd} b`, [odd])).toBe('a … b')
})

test.each([
  { value: 'a-key', parts: ['a-key'] },
  { value: 'Bearer a-key', parts: ['Bearer a-key', 'a-key'] },
  { value: `Basic ${base64('me:pass:word')}`, parts: [base64('me:pass:word'), 'me:pass:word', 'pass:word'] },
  { value: 'Token token="a-key", id="x"', parts: ['a-key'] },
  { value: 'Basic %%%', parts: ['%%%'] },
])('of the header $value these are secret: $parts', ({ value, parts }) => {
  expect(secretsOfHeader(value)).toEqual(expect.arrayContaining(parts))
})

test('of a URL its login, its path and what is asked are secret, and its host is not', () => {
  const url = new URL('https://me:pass%20w@nas.lan/hook/0123456789abcdef/x?key=a%26b')
  const said = withoutSecrets(
    `nas.lan /hook/0123456789abcdef/x 0123456789abcdef ?key=a%26b ${base64('me:pass w')} pass%20w`,
    secretsOfUrl(url),
  )
  expect(said).toMatch(/^nas\.lan … … … …=* …$/)
  expect(secretsOfLogin(url)).toEqual(['pass%20w', 'pass w', base64('me:pass w').replace(/=+$/, '')])
})

test.each([
  { body: '{"user":"me","auth":{"Password":"hunter22"}}', hidden: ['hunter22'], shown: ['me'] },
  { body: '{"action":"shutdown","api_key":"k-1234"}', hidden: ['k-1234'], shown: ['shutdown'] },
  { body: 'user=me&passwd=hunter22', hidden: ['hunter22'], shown: ['me'] },
  { body: 'hunter22', hidden: ['hunter22'], shown: [] },
])('of the body $body these are secret: $hidden', ({ body, hidden, shown }) => {
  const found = secretsOfBody(body)
  expect(found).toEqual(expect.arrayContaining([body, ...hidden]))
  for (const word of shown) expect(found).not.toContain(word)
})
