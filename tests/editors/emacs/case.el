;;; case.el --- What the cases of this folder share -*- lexical-binding: t -*-

;;; Commentary:

;; A case is the body of `case-run'; it passes unless it signals an error or quits.

;;; Code:

(require 'package)
;; -Q hides the packages of the distribution.
(dolist (directory '("/usr/share/emacs/site-lisp/elpa" "/usr/share/emacs/site-lisp/elpa-src"))
  (add-to-list 'package-directory-list directory))
(package-initialize)
(add-to-list 'load-path (getenv "CASE_PACKAGE"))
(require 'cl-lib)
(require 'flymake)

(defvar case-file (getenv "CASE_FILE"))

(defun case-fail (format &rest arguments)
  (princ (concat "failed: " (apply #'format format arguments) "\n"))
  (kill-emacs 1))

;; Emacs has it since version 29.
(unless (locate-library "eglot")
  (case-fail "Eglot is not here: apt-get install elpa-eglot"))

(defmacro case-run (&rest body)
  `(condition-case problem
       (progn ,@body (princ "passed\n") (kill-emacs 0))
     (t (case-fail "%S" problem))))

(defun case-wait (what condition)
  (let ((end (+ (float-time) 15)))
    (while (and (not (funcall condition)) (< (float-time) end))
      (accept-process-output nil 0.02))
    (unless (funcall condition)
      (case-fail "waited in vain: %s" what))))

(defun case-equal (expected found what)
  (unless (equal expected found)
    (case-fail "%s: expected %S, found %S" what expected found)))

(defun case-matches (regexp text what)
  (unless (string-match-p regexp text)
    (case-fail "%s: %S is not in %S" what regexp text)))

(defun case-open (file)
  "Open FILE as a user does, up to the next command."
  (find-file file)
  (run-hooks 'post-command-hook))

(defun case-findings ()
  "Lines, from 1, and texts up to the colon."
  (mapcar (lambda (diagnostic)
            (format "%d %s" (line-number-at-pos (flymake-diagnostic-beg diagnostic))
                    (car (split-string (flymake-diagnostic-text diagnostic) ":"))))
          (flymake-diagnostics)))

(defun case-wait-for-findings (expected)
  (let ((next 0))
    (case-wait (format "findings %S" expected)
               (lambda ()
                 ;; There are no idle timers in batch mode to do these.
                 (when (> (float-time) next)
                   (setq next (+ 0.3 (float-time)))
                   (when (bound-and-true-p eglot--managed-mode)
                     (eglot--signal-textDocument/didChange))
                   (flymake-start))
                 (equal expected (case-findings))))))

(defun case-text (file)
  (with-temp-buffer
    (insert-file-contents file)
    (buffer-string)))

(defun case-go-to (text)
  (goto-char (point-min))
  (search-forward text)
  (goto-char (match-beginning 0)))

(defun case-choose (part action)
  "Call ACTION, choosing the menu item whose title contains PART."
  (let ((last-nonmenu-event t)
        (chosen nil))
    (cl-letf (((symbol-function 'completing-read)
               (lambda (_prompt items &rest _)
                 (setq chosen (cl-find part (mapcar #'car items) :test #'string-match-p)))))
      (funcall action))
    (unless chosen
      (case-fail "no %S in the menu" part))))

(provide 'case)

;;; case.el ends here
