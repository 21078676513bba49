import { t } from '../../texts'
import { reference } from './search'

/** What people call an instance. */
export function nameOf(instance: { businessKey: string | null; id: string }): string {
  const found = reference(instance)
  return 'key' in found ? found.key : t.instances.unnamed(found.end)
}
