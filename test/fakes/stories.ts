/** Homelabs that stories are told of: names and roles. */
export const three = {
  'cp-1': 'controlplane',
  'cp-2': 'controlplane',
  'cp-3': 'controlplane',
  'w-1': 'worker',
  'w-2': 'worker',
} as const
export const two = { 'cp-1': 'controlplane', 'w-1': 'worker' } as const

/** What the UPS says: all is well, mains is gone, and the end is near. Charge in %, runtime in ms. */
export const online = { status: ['OL'], charge: 100, runtime: 3_600_000 }
export const onBattery = { status: ['OB', 'DISCHRG'], charge: 80, runtime: 3_000_000 }
export const low = { status: ['OB', 'DISCHRG', 'LB'], charge: 15, runtime: 600_000 }
