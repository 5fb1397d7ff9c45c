/** One setting as it is used, for people. */
export interface SettingInForce {
  /** `power.maxOnBattery`, `nodes.0.mac`. */
  readonly path: string
  /** In words that stand in no file but could; of a secret only where it is. */
  readonly value: string
  /** The line of the configuration file; undefined where nothing is written and the default holds. */
  readonly line: number | undefined
  /** What it is for. */
  readonly about: string | undefined
}
