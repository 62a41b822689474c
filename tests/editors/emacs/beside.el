;;; beside.el --- Findings without a language server, and of a whole project -*- lexical-binding: t -*-

;;; Code:

(require 'bpf-analyzer-flymake)

(case-run
 (bpf-analyzer-flymake-setup)
 (case-open case-file)
 (case-wait-for-findings '("15 bpf-analyzer [missing-write-back]"))
 (let ((diagnostic (car (flymake-diagnostics))))
   (case-equal "bytes[0] = 1"
               (buffer-substring (flymake-diagnostic-beg diagnostic)
                                 (flymake-diagnostic-end diagnostic))
               "reported text"))
 (case-go-to "bytes[0]")
 (insert "/* ü🐝 */ ")
 (case-wait-for-findings '("15 bpf-analyzer [missing-write-back]"))
 (erase-buffer)
 (case-wait-for-findings nil)
 (set-buffer-modified-p nil)

 (bpf-analyzer-check-project)
 (with-current-buffer "*bpf-analyzer check*"
   (case-wait "the end of the check"
              (lambda () (string-match-p "^Compilation exited" (buffer-string))))
   (case-matches "^lost.bpf.c:15:[0-9]+: error\\[missing-write-back\\]" (buffer-string) "compilation")))

;;; beside.el ends here
