import type { Config } from './config.ts'
import { findImageMistakes } from './image-mistakes.ts'
import { findFactoryMistakes } from './factory-mistakes.ts'
import { findMachineMistakes } from './machine-mistakes.ts'
import type { Mistake } from './mistake.ts'
import { findNetbootMistakes } from './netboot-mistakes.ts'
import { findPowerMistakes } from './power-mistakes.ts'
import { findUpgradeMistakes } from './upgrade-mistakes.ts'

/**
 * What fits the shape of a configuration and would fail in the night. Not part of the shape: a daemon that has run with
 * such a configuration goes on guarding the power, and says so.
 */
export function findMistakes(config: Config, now: Date): readonly Mistake[] {
  return [
    ...findFactoryMistakes(config),
    ...findMachineMistakes(config),
    ...findImageMistakes(config),
    ...findPowerMistakes(config),
    ...findUpgradeMistakes(config, now),
    ...findNetbootMistakes(config),
  ]
}
