import { blind } from './blind.js'
import { caddy } from './caddy.js'
import { gateway, otherEngines } from './gateway.js'
import { haproxy } from './haproxy.js'
import { nginx } from './nginx.js'
import { keptProxy, plainProxy } from './plain-proxy.js'
import type { Subject } from './subject.js'

/** Everybody who is measured, in the order of the tables. */
export const allSubjects: readonly Subject[] = [
  gateway,
  ...otherEngines,
  blind,
  nginx,
  haproxy,
  caddy,
  plainProxy,
  keptProxy,
]
