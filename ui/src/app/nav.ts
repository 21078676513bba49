/** What there is to go to, for whom. The server says who may what. */
import { IconAlertOctagon, IconBolt, IconChecklist, IconFileDescription, IconListDetails, IconMessages, IconSitemap } from '@tabler/icons-react'
import type { MeView } from '../api/types'
import { t } from '../texts'

export type Entry = { to: string; label: string; icon: typeof IconBolt; key: string; group: 'work' | 'monitor' | 'build' }

export function entries({ allowed }: MeView): Entry[] {
  const watches = allowed.monitor === true
  const found: (Entry | false)[] = [
    { to: '/start', label: t.app.nav.start, icon: IconBolt, key: 's', group: 'work' },
    { to: '/tasks', label: t.app.nav.tasks, icon: IconChecklist, key: 't', group: 'work' },
    { to: '/requests', label: t.app.nav.requests, icon: IconMessages, key: 'r', group: 'work' },
    watches && { to: '/instances', label: t.app.nav.instances, icon: IconListDetails, key: 'i', group: 'monitor' },
    allowed.operate === true && { to: '/failed-starts', label: t.app.nav.failedStarts, icon: IconAlertOctagon, key: 'f', group: 'monitor' },
    watches && { to: '/definitions', label: t.app.nav.definitions, icon: IconSitemap, key: 'd', group: 'build' },
  ]
  return found.filter((entry) => entry !== false)
}

export const apiDescription = { href: '/api/docs', label: t.app.nav.api, icon: IconFileDescription }
