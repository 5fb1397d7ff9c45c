import { expect, test } from 'vitest'
import { describeRating, describeUse, upsIdentityOf } from '../../../src/core/power/identity.ts'

test.each([
  {
    of: 'an APC behind usbhid-ups',
    told: {
      'device.mfr': 'American Power Conversion',
      'device.model': 'Back-UPS ES 700G',
      'device.serial': '5B1234X56789  ',
      'ups.firmware': '871.O4 .I',
      'driver.name': 'usbhid-ups',
      'driver.version': '2.8.0',
      'ups.realpower.nominal': '405',
      'ups.power.nominal': '700',
      'input.voltage.nominal': '230',
      'battery.type': 'PbAc',
      'battery.mfr.date': '2019/05/07',
    },
    is: {
      model: 'American Power Conversion Back-UPS ES 700G',
      serial: '5B1234X56789',
      firmware: '871.O4 .I',
      driver: 'usbhid-ups 2.8.0',
      nominalWatts: 405,
      nominalVoltAmps: 700,
      nominalVolts: 230,
      battery: 'PbAc 2019/05/07',
    },
  },
  {
    of: 'names from before NUT 2.4',
    told: { 'ups.mfr': 'EATON', 'ups.model': 'Eaton 5E', 'ups.serial': 'Blank' },
    is: { model: 'Eaton 5E' },
  },
  {
    of: 'what makers leave where they have nothing to say',
    told: {
      'device.mfr': 'Unknown',
      'device.model': ' ',
      'device.serial': '000000000000',
      'ups.firmware': 'N/A',
      'ups.power.nominal': '0',
      'ups.realpower.nominal': 'lots',
      'input.voltage.nominal': '1e9',
      'battery.date': 'not set',
    },
    is: {},
  },
  {
    of: 'the other name where the first says nothing',
    told: { 'device.mfr': 'unknown', 'ups.mfr': 'CPS', 'output.voltage.nominal': '120.0' },
    is: { model: 'CPS', nominalVolts: 120 },
  },
])('$of', ({ told, is }) => expect(upsIdentityOf(told)).toEqual(is))

test('a text is no longer than a line, and writes to no terminal', () => {
  const { model = '', serial = '' } = upsIdentityOf({
    'device.model': 'm'.repeat(500),
    'device.serial': '\u001b[31mSN\u202e1\n2',
  })
  expect(model.length).toBeLessThanOrEqual(60)
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  expect(serial).not.toMatch(/[\u0000-\u001f\u007f\u202e]/)
  expect(serial).toContain('SN')
  const { firmware = '' } = upsIdentityOf({ 'ups.firmware': `${'f'.repeat(59)}🔋🔋` })
  expect(firmware).toBe('f'.repeat(59))
})

test.each([
  { load: 18, identity: { nominalWatts: 405, nominalVoltAmps: 700 }, is: 'about 73 W of 405 W' },
  { load: 50, identity: { nominalVoltAmps: 700 }, is: 'about 350 VA of 700 VA' },
  { load: undefined, identity: { nominalWatts: 405 }, is: undefined },
  { load: 18, identity: {}, is: undefined },
])('a load of $load % is $is', ({ load, identity, is }) => expect(describeUse(load, identity)).toBe(is))

test.each([
  { identity: { nominalWatts: 405, nominalVoltAmps: 700, nominalVolts: 230 }, is: '405 W, 700 VA, 230 V' },
  { identity: { nominalVolts: 230 }, is: '230 V' },
  { identity: {}, is: undefined },
])('it is made for $is', ({ identity, is }) => expect(describeRating(identity)).toBe(is))
