import { Button } from '@mantine/core'
import { IconSearchOff } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { Empty } from '../parts/Empty'
import { Page } from '../parts/Page'
import { t } from '../texts'

export function NotFound() {
  return (
    <Page title={t.app.failure.notFound}>
      <Empty icon={<IconSearchOff size={28} />} title={t.app.failure.notFound} action={<Button component={Link} to="/tasks" variant="default">{t.app.nav.tasks}</Button>}>
        {t.app.failure.notFoundHint}
      </Empty>
    </Page>
  )
}
