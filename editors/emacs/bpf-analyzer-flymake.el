;;; bpf-analyzer-flymake.el --- Findings of bpf-analyzer beside another language server -*- lexical-binding: t -*-

;; SPDX-License-Identifier: MIT OR Apache-2.0
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1"))
;; Keywords: c, languages, tools

;;; Commentary:

;; (require 'bpf-analyzer-flymake)
;; (bpf-analyzer-flymake-setup)
;;
;; Files named `*.bpf.c' are then checked by `bpf-analyzer check' while you type, whether Eglot manages
;; them with clangd or nobody does.  Fixes and hover need `bpf-analyzer-eglot'.

;;; Code:

(require 'bpf-analyzer)

(defvar-local bpf-analyzer-flymake--process nil
  "The check of this buffer that is running.")

(defun bpf-analyzer-flymake--diagnostic (finding)
  "Make a diagnostic of FINDING, as parsed from JSON, in the current buffer."
  (let* ((range (gethash "range" finding))
         ;; Offsets are bytes of the text as it was sent, which is how the buffer holds it.
         (place (lambda (end) (byte-to-position (1+ (gethash "byte" (gethash end range))))))
         (begin (or (funcall place "start") (point-max))))
    (flymake-make-diagnostic
     (current-buffer)
     begin
     (max (1+ begin) (or (funcall place "end") (point-max)))
     (pcase (gethash "severity" finding)
       ("error" :error)
       ("warning" :warning)
       (_ :note))
     (format "bpf-analyzer [%s]: %s" (gethash "rule" finding) (gethash "message" finding)))))

(defun bpf-analyzer-flymake--report (process report)
  "Hand what PROCESS has printed to REPORT."
  (let ((source (process-get process 'bpf-analyzer-source))
        (output (process-buffer process)))
    (unwind-protect
        (when (and (buffer-live-p source)
                   (eq process (buffer-local-value 'bpf-analyzer-flymake--process source)))
          (if (eql 0 (process-exit-status process))
              (let ((document (with-current-buffer output
                                (goto-char (point-min))
                                (json-parse-buffer))))
                (with-current-buffer source
                  (save-restriction
                    (widen)
                    (funcall report (mapcar #'bpf-analyzer-flymake--diagnostic
                                            (gethash "findings" document))
                             :region (cons (point-min) (point-max))))))
            (funcall report :panic :explanation
                     (with-current-buffer output (string-trim (buffer-string))))))
      (kill-buffer output))))

(defun bpf-analyzer-flymake (report &rest _arguments)
  "Check the current buffer and call REPORT; see `flymake-diagnostic-functions'."
  (let ((program (bpf-analyzer--program))
        (previous bpf-analyzer-flymake--process))
    ;; The end of a process that is not the current one any more is not reported.
    (setq bpf-analyzer-flymake--process nil)
    (when (process-live-p previous)
      (delete-process previous))
    (setq bpf-analyzer-flymake--process
          (make-process
           :name "bpf-analyzer check"
           :buffer (generate-new-buffer " *bpf-analyzer check*")
           :command (list program "check" "-" "--format" "json" "--exit-zero" "--color" "never"
                          "--stdin-filename" (or buffer-file-name (buffer-name)))
           :connection-type 'pipe
           :coding 'utf-8-unix
           :noquery t
           :sentinel (lambda (process _event)
                       (unless (process-live-p process)
                         (bpf-analyzer-flymake--report process report)))))
    (process-put bpf-analyzer-flymake--process 'bpf-analyzer-source (current-buffer))
    (save-restriction
      (widen)
      (process-send-region bpf-analyzer-flymake--process (point-min) (point-max)))
    (process-send-eof bpf-analyzer-flymake--process)))

(defun bpf-analyzer-flymake--enable ()
  "Check the current buffer from now on, if it is BPF C."
  (when (derived-mode-p 'bpf-analyzer-c-mode)
    ;; The compiler of the host, which `c-mode' asks, does not know BPF C.
    (remove-hook 'flymake-diagnostic-functions #'flymake-cc t)
    (add-hook 'flymake-diagnostic-functions #'bpf-analyzer-flymake nil t)
    (flymake-mode 1)))

;;;###autoload
(defun bpf-analyzer-flymake-setup ()
  "Check files named *.bpf.c while they are edited, from now on."
  (add-to-list 'auto-mode-alist '("\\.bpf\\.c\\'" . bpf-analyzer-c-mode))
  (add-hook 'bpf-analyzer-c-mode-hook #'bpf-analyzer-flymake--enable)
  ;; Eglot takes over the functions of Flymake when it begins to manage a buffer.
  (add-hook 'eglot-managed-mode-hook #'bpf-analyzer-flymake--enable))

(provide 'bpf-analyzer-flymake)

;;; bpf-analyzer-flymake.el ends here
