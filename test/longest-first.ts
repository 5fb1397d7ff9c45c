import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { longest } from './longest.ts'

/** Those that wait most come first; what only computes fills the cores up to the end. */
const projects = ['parts', 'whole', 'fakes', 'pure']

/** The order of files in a run. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const project = ({ project: { name } }: TestSpecification) => projects.indexOf(name)
    return sorted.toSorted((a, b) => project(a) - project(b) || rank(a) - rank(b))
  }
}

function rank({ moduleId }: TestSpecification): number {
  const name = /\/test\/(.+)\.test\.ts$/.exec(moduleId)?.[1]
  const found = longest.indexOf(name ?? '')
  return found < 0 ? longest.length : found
}
