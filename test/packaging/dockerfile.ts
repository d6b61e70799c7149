import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../support/shared.js'

export interface Instruction {
  readonly name: string
  /** What follows it, `ARG`s with a default put in. */
  readonly text: string
}

/** The instructions of the Dockerfile, continued lines joined, comments left out. */
export function readDockerfile(): readonly Instruction[] {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
  const defaults = new Map<string, string>()
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', rest = ''] = line.split(/ (.*)/s)
      const filled = rest.replace(/\$\{(\w+)\}/g, (whole, key: string) => defaults.get(key) ?? whole)
      const preset = name === 'ARG' ? /^(\w+)=(.*)$/.exec(filled) : null
      if (preset !== null) defaults.set(preset[1] ?? '', preset[2] ?? '')
      return { name, text: filled }
    })
}

/** The stages, each begun by its FROM. */
export function stagesOf(instructions: readonly Instruction[]): readonly (readonly Instruction[])[] {
  const stages: Instruction[][] = []
  for (const instruction of instructions) {
    if (instruction.name === 'FROM') stages.push([])
    stages.at(-1)?.push(instruction)
  }
  return stages
}
