import { describe, expect, test } from 'vitest'
import { deliveryArguments, judgeArguments, saysWhereToAsk } from '../../../src/core/provision/kernel-arguments.ts'

const url = 'https://caretaker.home.arpa:8424'

test('a machine sends what it is known by, and goes through the device flow', () => {
  expect(deliveryArguments({ url, way: 'device-flow', variables: ['uuid', 'mac', 'serial'], early: 'KLUv' })).toEqual([
    'talos.config.early=KLUv',
    'talos.config=https://caretaker.home.arpa:8424/config?uuid=${uuid}&mac=${mac}&serial=${serial}',
    'talos.config.oauth.client_id=caretaker',
    'talos.config.oauth.extra_variable=uuid',
    'talos.config.oauth.extra_variable=mac',
    'talos.config.oauth.extra_variable=serial',
  ])
})

test.each(['plain', 'maintenance'] as const)('a machine whose way is %s asks by GET alone', (way) => {
  expect(
    deliveryArguments({ url: 'http://192.168.0.10:8424', way, variables: ['uuid', 'mac'], early: undefined }),
  ).toEqual(['talos.config=http://192.168.0.10:8424/config?uuid=${uuid}&mac=${mac}'])
})

test('what says where to ask is told from the rest', () => {
  const all = [
    'talos.config=metal-iso',
    'talos.config.oauth.client_secret=x',
    'talos.config.early=x',
    'talos.config.inline=x',
    'talos.platform=metal',
    'console=tty0',
  ]
  expect(all.filter(saysWhereToAsk)).toEqual(['talos.config=metal-iso', 'talos.config.oauth.client_secret=x'])
})

describe('secrets on the command line are an error, and are not repeated', () => {
  test.each([
    { argument: 'talos.config.oauth.client_secret=canary', names: 'client secret' },
    { argument: 'talos.config.inline=canary', names: 'machine configuration' },
    { argument: 'talos.config=https://user:canary@nas.lan/config', names: 'user name and password' },
    { argument: 'talos.config=https://nas.lan/config?token=canary', names: 'token (talos.config)' },
    { argument: 'siderolink.jointoken=canary', names: 'siderolink.jointoken' },
    { argument: 'my.password=canary', names: 'my.password' },
  ])('$argument', ({ argument, names }) => {
    const { errors } = judgeArguments([argument], { url })
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain(names)
    expect(errors[0]).not.toContain('canary')
  })

  test.each([
    'talos.config=https://nas.lan/config?code=${code}',
    'talos.config.oauth.client_secret=',
    'console=tty0',
    'quiet',
  ])('%s is none', (argument) => {
    expect(judgeArguments([argument], { url }).errors).toEqual([])
  })
})

test('what the kernel would cut off is an error', () => {
  expect(judgeArguments([`talos.config.early=${'x'.repeat(1_300)}`], { url }).errors).toEqual([])
  expect(judgeArguments([`talos.config.early=${'x'.repeat(1_600)}`], { url }).errors[0]).toContain('2048 characters')
})

test.each([
  { url: 'https://192.168.0.10:8424', warns: /^192\.168\.0\.10 stands in every image/ },
  { url: 'https://[fd00::10]:8424', warns: /^\[fd00::10\] stands in every image/ },
  { url: 'http://nas.lan:8424', warns: /^it is plain HTTP/ },
])('$url is doubtful', ({ url: given, warns }) => {
  expect(judgeArguments([], { url: given }).warnings).toEqual([expect.stringMatching(warns)])
})

test('a name by HTTPS is not', () => {
  expect(judgeArguments([], { url })).toEqual({ errors: [], warnings: [] })
})
