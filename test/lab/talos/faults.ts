import type { TalosFaults } from './types.ts'

/** Nothing goes wrong. */
export function noFaults(): TalosFaults {
  return {
    installerExit: undefined,
    installerPanics: false,
    registry: undefined,
    containerdDown: false,
    endsEarly: undefined,
    upgradeInProgress: false,
    locked: false,
    rebootIgnored: false,
    halfOpen: false,
    rollBack: false,
    stuckBooting: false,
    kexecRefused: false,
    shutdownHangs: false,
    efiUnreadable: false,
    clockOff: 0,
    timeServer: undefined,
    wakesBy: ['magic'],
    cableOut: false,
    otherMachine: false,
    snapshotBreaksOff: undefined,
    snapshotDamaged: false,
    watchOverrun: false,
    silent: false,
  }
}
