/** The pill above a list that says what is new. */
import { Button } from '@mantine/core'
import { IconArrowUp } from '@tabler/icons-react'
import { t } from '../texts'

export function Fresh({ count, show, label = t.app.fresh }: { count: number; show: () => void; label?: (count: number) => string }) {
  return (
    <div role="status" className="fresh">
      {count > 0 && (
        <Button size="xs" radius="xl" leftSection={<IconArrowUp size={14} aria-hidden />} onClick={show}>
          {label(count)}
        </Button>
      )}
    </div>
  )
}
