/** Nothing for a moment, then the shape of what is to come. */
import { Skeleton, Stack } from '@mantine/core'
import { useEffect, useState } from 'react'
import { t } from '../texts'

const SOON = 150

export function Waiting({ rows = 6, height = 44 }: { rows?: number; height?: number }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), SOON)
    return () => clearTimeout(timer)
  }, [])
  if (!late) return null
  return (
    <Stack gap="xs" p="md" aria-busy="true" aria-label={t.app.loading} role="status">
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={height} radius="sm" />
      ))}
    </Stack>
  )
}
