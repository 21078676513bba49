/** Publishing and deprecating a version, after it was said what that does. */
import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { call, path } from '../../api/client'
import { asProblem } from '../../api/problem'
import type { DefinitionView } from '../../api/types'
import { toast } from '../../app/toast'
import { t } from '../../texts'

export type Change = 'publish' | 'deprecate'

type Version = Pick<DefinitionView, 'name' | 'version' | 'title' | 'state'>

type Props = {
  /** What is to be done with what; undefined: nothing. */
  wanted: { change: Change; version: Version } | undefined
  close: () => void
  done?: (now: DefinitionView) => void
}

export function ChangeDialog({ wanted, close, done }: Props) {
  const client = useQueryClient()
  const words = t.definitions.one
  const mutation = useMutation({
    mutationFn: ({ change, version }: { change: Change; version: Version }) => call<DefinitionView>('POST', path`/api/definitions/${version.name}/versions/${version.version}/` + change),
    onSuccess: async (now, { change }) => {
      await Promise.all([client.invalidateQueries({ queryKey: ['definitions'] }), client.invalidateQueries({ queryKey: ['definition', now.name] })])
      const title = now.title || now.name
      toast({ color: 'green', message: change === 'publish' ? words.published(title, now.version) : words.deprecated(title, now.version) })
      done?.(now)
      shut()
    },
  })
  const shut = () => {
    mutation.reset()
    close()
  }
  if (wanted === undefined) return <Modal opened={false} onClose={shut} />
  const { change, version } = wanted
  const title = version.title || version.name
  return (
    <Modal opened onClose={shut} title={change === 'publish' ? words.publishTitle(version.version) : words.deprecateTitle(version.version)} closeButtonProps={{ 'aria-label': t.app.close }}>
      <Stack>
        <Text size="sm">{change === 'publish' ? words.publishWords(title, version.version) : words.deprecateWords(title, version.version)}</Text>
        {change === 'deprecate' && version.state === 'published' && <Text size="sm">{words.deprecateWordsPublished}</Text>}
        {mutation.error && (
          <Alert color="red" variant="light" role="alert" icon={<IconAlertTriangle aria-hidden />} title={words.failed}>
            {asProblem(mutation.error).status === 0 ? t.app.failure.offline : asProblem(mutation.error).message}
          </Alert>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={shut}>
            {t.app.cancel}
          </Button>
          <Button color={change === 'deprecate' ? 'red' : undefined} loading={mutation.isPending} onClick={() => mutation.mutate(wanted)} data-autofocus>
            {change === 'publish' ? words.publishYes(version.version) : words.deprecateYes(version.version)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
