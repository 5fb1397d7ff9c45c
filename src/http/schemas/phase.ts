import { z } from '@hono/zod-openapi'
import { isPhaseId, phaseTitles, type PhaseId } from '../../core/phase-id.ts'

/** The ids of all phases of all plans. */
export const phaseId = z.enum(Object.keys(phaseTitles).filter(isPhaseId)).openapi('PhaseId') as z.ZodType<PhaseId>

/** How long each phase took, in ms; those that were not run are absent. */
export const phaseTimes = z.partialRecord(
  z.enum(Object.keys(phaseTitles).filter(isPhaseId)),
  z.number(),
) as unknown as z.ZodType<Partial<Record<PhaseId, number>>>
