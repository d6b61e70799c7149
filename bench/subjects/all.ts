import { gateway } from './gateway.js'
import { nginx } from './nginx.js'
import { keptProxy, plainProxy } from './plain-proxy.js'
import type { Subject } from './subject.js'

export const allSubjects: readonly Subject[] = [gateway, nginx, plainProxy, keptProxy]

/** Those that are installed, as reported once. */
export function installed(subjects: readonly Subject[]): readonly Subject[] {
  return subjects.filter((subject) => subject.version() !== undefined)
}
