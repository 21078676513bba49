/** End one's own request, after what that means has been said. */
import { Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call, path } from '../../api/client'
import { toast } from '../../app/toast'
import { Failure } from '../../parts/Failure'
import { t } from '../../texts'

export function Withdraw({ id }: { id: string }) {
  const client = useQueryClient()
  const [opened, setOpened] = useState(false)
  const [reason, setReason] = useState('')
  const withdrawal = useMutation({
    mutationFn: () => call('POST', path`/api/instances/${id}/operations`, { body: { operationType: 'TERMINATE', reason: reason.trim() } }),
    onSuccess: async () => {
      setOpened(false)
      toast({ color: 'gray', message: t.requests.withdrawn })
      await Promise.all([['instance', id], ['instances'], ['tasks']].map((queryKey) => client.invalidateQueries({ queryKey })))
    },
  })
  const close = () => setOpened(false)
  return (
    <>
      <Button variant="default" onClick={() => setOpened(true)}>
        {t.requests.withdraw}
      </Button>
      <Modal opened={opened} onClose={close} title={t.requests.withdrawTitle} closeButtonProps={{ 'aria-label': t.app.close }}>
        <form onSubmit={(event) => { event.preventDefault(); if (!withdrawal.isPending) withdrawal.mutate() }}>
          <Stack>
            <Text size="sm">{t.requests.withdrawEffect}</Text>
            <Textarea label={t.requests.withdrawReason} description={t.requests.withdrawReasonHelp} value={reason} onChange={(event) => setReason(event.currentTarget.value)} autosize minRows={2} data-autofocus />
            {withdrawal.isError && <Failure error={withdrawal.error} title={t.requests.notWithdrawn} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>{t.requests.keep}</Button>
              <Button type="submit" color="red" loading={withdrawal.isPending}>{t.requests.withdrawSubmit}</Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  )
}
