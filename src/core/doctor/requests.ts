import type { DoctorReport } from './check.ts'

/** Requests to look at everything before it is needed. `Asked` is what every request carries. */
export interface DoctorRequests<Asked> {
  /** The last report, also of the weekly job, and how far an examination is that is under way. */
  state(): DoctorAnswer
  /** Looks at everything as it will be used, and reports. With `fix` it mends before what is safe to mend: modes, folders. */
  examine(request: ExamineRequest, asked: Asked): Promise<DoctorReport>
}

export interface ExamineRequest {
  /** Only these checks: ids, their first words, machines. All without it. */
  readonly only?: readonly string[] | undefined
  /** Sends a test message by each channel too. */
  readonly send?: boolean
  readonly fix?: boolean
}

export interface DoctorAnswer {
  readonly last: DoctorReport | undefined
  readonly underWay: DoctorProgress | undefined
}

/** So many looks of all have ended; those that have not, by their ids. */
export interface DoctorProgress {
  readonly done: number
  readonly total: number
  readonly underWay: readonly string[]
}
